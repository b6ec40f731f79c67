"""The latency report as a picture, readable on white and on near-black."""

import io
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from math import nan
from typing import Any

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from trafficmon_dagster.defs.reports.figures import STAGES, LatencyFigures, Moment

# Each has a contrast of at least 3 on white and on #0e1116.
INK = "#7d8590"
P50, P95, P99 = "#2f81f7", "#d98311", "#e5534b"
MAX_CAMERAS = 12


def latency_plot(figures: LatencyFigures) -> bytes:
    """A PNG: capture to verdict over time, and the percentiles of stages and cameras."""
    figure = Figure(figsize=(11, 6.4), dpi=100, layout="constrained")
    panels: dict[str, Axes] = figure.subplot_mosaic([["time", "time"], ["stages", "cameras"]])
    _over_time(panels["time"], figures)
    stages = [(STAGES[s.name], s.p50, s.p95, s.p99) for s in figures.stages]
    _ranges(panels["stages"], stages, "Where the time goes, by stage", logarithmic=True)
    cameras = [
        (f"camera {c.camera_id}", c.p50, c.p95 or 0.0, c.p99 or 0.0)
        for c in figures.cameras
        if c.p50 is not None
    ]
    slowest = sorted(cameras, key=lambda row: -row[2])[:MAX_CAMERAS]
    shown = [row for row in cameras if row in slowest]
    title = "End to end, by camera"
    if len(shown) < len(cameras):
        title += f" (the slowest {MAX_CAMERAS} of {len(cameras)})"
    _ranges(panels["cameras"], shown, title, logarithmic=False)
    for axes in panels.values():
        _muted(axes)
    return _png(figure)


def _over_time(axes: Axes, figures: LatencyFigures) -> None:
    moments = _with_holes(figures.moments)
    at: list[Any] = [moment.at for moment in moments]
    p50 = [moment.p50 / 1000 for moment in moments]
    p95 = [moment.p95 / 1000 for moment in moments]
    axes.fill_between(at, p50, p95, color=P95, alpha=0.12, linewidth=0)
    axes.plot(at, p95, color=P95, linewidth=1.8, marker="o", markersize=3, label="P95")
    axes.plot(at, p50, color=P50, linewidth=1.8, marker="o", markersize=3, label="P50")
    threshold_s = figures.threshold_p95_ms / 1000
    axes.axhline(
        threshold_s,
        color=P99,
        linewidth=1,
        linestyle=(0, (4, 3)),
        label=f"P95 limit {threshold_s:g} s",
    )
    most_s = max((moment.p95 / 1000 for moment in figures.moments), default=0.0)
    axes.set_ylim(0, max(threshold_s * 1.15, most_s * 1.1))
    if len(at) == 1:
        axes.set_xlim(at[0] - timedelta(minutes=1), at[0] + timedelta(minutes=1))
    locator = AutoDateLocator(minticks=4, maxticks=10)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes.set_title("From capture to verdict, in seconds, over time (UTC)", loc="left")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, frameon=False, labelcolor=INK)


def _with_holes(moments: Sequence[Moment]) -> list[Moment]:
    """The same with a moment of nothing in each pause, so that no line is drawn across it."""
    if len(moments) < 2:
        return list(moments)
    usual = min(after.at - before.at for before, after in pairwise(moments))
    drawn = [moments[0]]
    for before, after in pairwise(moments):
        if after.at - before.at > 3 * usual:
            drawn.append(Moment(before.at + usual, 0, nan, nan))
        drawn.append(after)
    return drawn


def _ranges(
    axes: Axes, rows: Sequence[tuple[str, float, float, float]], title: str, *, logarithmic: bool
) -> None:
    """A line a row, from P50 over P95 to P99; the scale begins at 1 ms if logarithmic, else 0."""
    names = [row[0] for row in rows]
    for y, (_, *values) in enumerate(rows):
        p50, p95, p99 = (max(1.0, value) for value in values)
        axes.plot([p50, p99], [y, y], color=INK, linewidth=2, alpha=0.45, zorder=1)
        for value, color, label in ((p50, P50, "P50"), (p95, P95, "P95"), (p99, P99, "P99")):
            axes.scatter(value, y, s=42, color=color, zorder=2, label=label if y == 0 else None)
        axes.annotate(
            _readable(values[1]),
            (p99, y),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            color=INK,
            fontsize=8.5,
        )
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    if rows:
        most = max(max(row[1:]) for row in rows)
        if logarithmic:
            axes.set_xscale("log")
        axes.set_xlim(*((0.8, most * 4) if logarithmic else (0, most * 1.25)))
        axes.xaxis.set_major_formatter(lambda value, _: _readable(value))
        axes.legend(
            loc="lower left", frameon=False, labelcolor=INK, handletextpad=0.2, fontsize=8.5
        )
    axes.set_title(f"{title}, P95 written out", loc="left")


def _readable(ms: float) -> str:
    if ms >= 1000:
        return f"{ms / 1000:.3g} s"
    if ms == 0:
        return "0"
    return f"{ms:.0f} ms" if ms >= 10 else f"{ms:.1g} ms"


def _muted(axes: Axes) -> None:
    axes.patch.set_alpha(0)
    axes.title.set_color(INK)
    axes.set_title(
        axes.get_title(loc="left"), loc="left", color=INK, fontsize=11, fontweight="bold"
    )
    axes.tick_params(colors=INK, which="both", length=0)
    axes.xaxis.get_offset_text().set_color(INK)
    axes.grid(visible=True, color=INK, alpha=0.22, linewidth=0.7)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _png(figure: Figure) -> bytes:
    """Transparent, and with 64 colours: a third of the size, since it is kept with every run."""
    from PIL import Image

    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", transparent=True)
    out = io.BytesIO()
    Image.open(drawn).quantize(colors=64, method=Image.Quantize.FASTOCTREE).save(
        out, format="PNG", optimize=True
    )
    return out.getvalue()
