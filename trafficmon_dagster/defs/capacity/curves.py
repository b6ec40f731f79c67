"""The plan as a picture: keys and cost by the number of cameras."""

from matplotlib.axes import Axes

from streaming.plot_style import AMBER, BLUE, GREEN, INK
from trafficmon_dagster.defs.capacity.plan import Plan
from trafficmon_dagster.defs.reports.plot import picture
from trafficmon_dagster.defs.reports.report import Picture
from trafficmon_dagster.defs.reports.shapes import titled

_POINTS = 200


def curves(plan: Plan, cameras: int, currency: str) -> Picture:
    """Up to somewhat more than `cameras` and than what today's keys carry; both are marked."""
    most = max(2, round(1.25 * max(cameras, plan.cameras)))
    counts = sorted({1, cameras, *(max(1, round(most * n / _POINTS)) for n in range(_POINTS + 1))})
    needs = [plan.need(n) for n in counts]
    marks = {f"{cameras:,} cameras": (AMBER, cameras)}
    if plan.cameras:
        marks[f"today's keys: {plan.cameras:,}"] = (GREEN, plan.cameras)

    def draw(axes: Axes, values: list[float], title: str, *, step: bool) -> None:
        axes.plot(counts, values, color=BLUE, linewidth=1.8,
                  drawstyle="steps-pre" if step else "default")  # fmt: skip
        for label, (color, count) in marks.items():
            axes.axvline(count, color=color, linewidth=1.2, linestyle=(0, (4, 3)), label=label)
        axes.set_xlim(0, most)
        axes.set_ylim(0, max(values) * 1.1 or 1)
        axes.set_xlabel("cameras", color=INK)
        titled(axes, title, columns=len(marks))

    return picture(
        "Keys needed and cost a day, by the number of cameras",
        {
            "keys": lambda axes: draw(axes, [n.keys for n in needs], "Keys needed", step=True),
            "cost": lambda axes: draw(
                axes, [n.cost_a_day for n in needs], f"Cost a day, {currency}", step=False
            ),
        },
        [["keys", "cost"]],
        3.6,
    )
