"""A run as a picture: latency, lag and cores, readable on white and on near-black."""

from collections.abc import Mapping
from math import nan
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from streaming.benchmark.pipeline.figures import STAGES
from streaming.plot_style import AMBER, BLUE, INK, RED, SERIES, mute, png


def run_plot(report: Mapping[str, Any]) -> bytes:
    """A PNG of the report's one result."""
    (result,) = report["results"]
    figure = Figure(figsize=(11, 6.4), dpi=100, layout="constrained")
    panels: dict[str, Axes] = figure.subplot_mosaic([["latency", "stages"], ["lag", "cores"]])
    step_s = report["settings"]["duration_s"] / len(result["portions"])
    _latency(panels["latency"], result, step_s)
    _stages(panels["stages"], result)
    _lag(panels["lag"], result)
    _cores(panels["cores"], result)
    for axes in panels.values():
        mute(axes)
    return png(figure)


def _latency(axes: Axes, result: Mapping[str, Any], step_s: float) -> None:
    at = [(n + 0.5) * step_s for n in range(len(result["portions"]))]
    for color, name, figure in (
        (BLUE, "end to end P50", ("end_to_end_ms", "p50")),
        (AMBER, "end to end P95", ("end_to_end_ms", "p95")),
        (INK, "provider P95", ("provider_ms", "p95")),
    ):
        values = [(part[figure[0]] or {}).get(figure[1], nan) / 1000 for part in result["portions"]]
        axes.plot(at, values, color=color, marker="o", markersize=3, linewidth=1.8, label=name)
    axes.set_ylim(bottom=0)
    axes.set_title("From due to verdict, s, over the run's ten portions", loc="left")
    axes.set_xlabel("s")
    axes.legend(frameon=False, labelcolor=INK, fontsize=8.5)


def _stages(axes: Axes, result: Mapping[str, Any]) -> None:
    for y, name in enumerate(STAGES):
        found = result["stages_ms"][name]
        if found is None:
            continue
        p50, p95, p99 = (max(1.0, found[p]) for p in ("p50", "p95", "p99"))
        axes.plot([p50, p99], [y, y], color=INK, linewidth=2, alpha=0.45, zorder=1)
        for color, value, label in (
            (BLUE, p50, "P50"),
            (AMBER, p95, "P95"),
            (RED, p99, "P99"),
        ):
            axes.scatter(value, y, s=36, color=color, zorder=2, label=label if y == 0 else None)
    axes.set_yticks(range(len(STAGES)), [name.replace("_", " ") for name in STAGES])
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_title("Where the time goes, ms", loc="left")
    axes.legend(frameon=False, labelcolor=INK, fontsize=8.5)


def _lag(axes: Axes, result: Mapping[str, Any]) -> None:
    looks = result["lag_over_time"]
    names = sorted({name for look in looks for name in look["by_group"]})
    for color, name in zip(SERIES, names, strict=False):
        axes.plot(
            [look["at_s"] for look in looks],
            [look["by_group"].get(name, 0) for look in looks],
            color=color,
            linewidth=1.4,
            label=_short(name),
        )
    axes.set_ylim(bottom=0)
    axes.set_title("Lag, messages", loc="left")
    axes.set_xlabel("s")
    axes.legend(frameon=False, labelcolor=INK, fontsize=7.5)


def _cores(axes: Axes, result: Mapping[str, Any]) -> None:
    used = result["resources"]["processes"]
    names = sorted(used, key=lambda name: used[name]["cores"] or 0.0)
    axes.barh(names, [used[name]["cores"] or 0.0 for name in names], color=BLUE, height=0.6)
    for y, name in enumerate(names):
        memory = f"  {used[name]['rss_mb']:,.0f} MB"
        axes.annotate(memory, (used[name]["cores"] or 0.0, y), va="center", color=INK, fontsize=8.5)
    most = max((use["cores"] or 0.0 for use in used.values()), default=0.0)
    axes.set_xlim(0, most * 1.3 or 1.0)
    axes.set_title("Cores and most memory, by process", loc="left")


def _short(name: str) -> str:
    """The group and the topic without the benchmark's prefix."""
    group, _, topic = name.partition(" ")
    return f"{group}: {'-'.join(topic.split('-')[-2:])}"
