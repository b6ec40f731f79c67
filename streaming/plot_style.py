"""How every picture looks: colours that read on white and on near-black, quiet axes."""

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # whoever only wants a colour does not load all of matplotlib
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Each has a contrast of at least 3 on white and on #0e1116.
INK = "#7d8590"
BLUE, AMBER, RED, GREEN, PURPLE = "#2f81f7", "#cf7c0f", "#e5534b", "#2da44e", "#986ee2"
PINK, CYAN = "#c96198", "#1b9aa8"
SERIES = (BLUE, AMBER, RED, GREEN, PURPLE, PINK, CYAN)
"""For lines of one kind, in this order."""


def mute(axes: "Axes") -> None:
    """No frame, a faint grid, a title on the left: the data is what one sees."""
    axes.patch.set_alpha(0)
    title = axes.get_title(loc="left")
    axes.set_title(title, loc="left", color=INK, fontsize=11, fontweight="bold")
    axes.tick_params(colors=INK, which="both", length=0)
    axes.xaxis.get_offset_text().set_color(INK)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    axes.grid(visible=True, color=INK, alpha=0.22, linewidth=0.7)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_visible(False)


def png(figure: "Figure") -> bytes:
    """Transparent, and with 256 colours: a third of the size, since it is kept with every run."""
    from PIL import Image

    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", transparent=True)
    out = io.BytesIO()
    Image.open(drawn).quantize(colors=256, method=Image.Quantize.FASTOCTREE).save(
        out, format="PNG", optimize=True
    )
    return out.getvalue()
