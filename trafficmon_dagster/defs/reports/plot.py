"""A picture for a report, readable on white and on near-black; `shapes` draws into it."""

import io
from collections.abc import Callable, Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from trafficmon_dagster.defs.reports.report import Picture

# Each has a contrast of at least 3 on white and on #0e1116.
INK = "#7d8590"
BLUE, AMBER, RED, GREEN, PURPLE = "#2f81f7", "#d98311", "#e5534b", "#2da44e", "#986ee2"
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
        _mute(axes[name])
    return Picture(alt, _png(figure))


def _mute(axes: Axes) -> None:
    axes.patch.set_alpha(0)
    title = axes.get_title(loc="left")
    axes.set_title(title, loc="left", color=INK, fontsize=11, fontweight="bold")
    axes.tick_params(colors=INK, which="both", length=0)
    axes.xaxis.get_offset_text().set_color(INK)
    axes.yaxis.label.set_color(INK)
    axes.grid(visible=True, color=INK, alpha=0.22, linewidth=0.7)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _png(figure: Any) -> bytes:
    """Transparent, and with 256 colours: a third of the size, since it is kept with every run."""
    from PIL import Image

    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", transparent=True)
    out = io.BytesIO()
    Image.open(drawn).quantize(colors=256, method=Image.Quantize.FASTOCTREE).save(
        out, format="PNG", optimize=True
    )
    return out.getvalue()
