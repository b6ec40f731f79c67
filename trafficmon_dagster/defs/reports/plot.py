"""A picture for a report, readable on white and on near-black; `shapes` draws into it."""

from collections.abc import Callable, Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from streaming.plot_style import AMBER, BLUE, GREEN, INK, RED, mute, png
from trafficmon_dagster.defs.reports.report import Picture

LEVELS = {"high": RED, "medium": AMBER, "low": BLUE, "none": GREEN, "unknown": INK}
ENDS = {"assessed": GREEN, "expired": AMBER, "failed": RED}

WIDTH_IN = 11.0


Panels = Mapping[str, Callable[[Axes], None]]


def picture(alt: str, panels: Panels, layout: list[list[str]], height_in: float) -> Picture:
    """`panels` draw each into axes of their own, laid out as matplotlib's `subplot_mosaic` does."""
    figure = Figure(
        figsize=(WIDTH_IN, height_in),
        dpi=100,
        layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.08),
    )
    axes: dict[str, Axes] = figure.subplot_mosaic(layout)
    for name, draw in panels.items():
        draw(axes[name])
        mute(axes[name])
    return Picture(alt, png(figure))
