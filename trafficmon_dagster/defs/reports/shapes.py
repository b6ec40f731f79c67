"""What the reports' pictures consist of: lines and bars over time, ranges, rows, a grid.

Times come without a zone, on the clock that the reader is to see.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from math import nan
from typing import Any

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.ticker import MaxNLocator

from streaming.plot_style import AMBER, BLUE, INK, RED

Series = Mapping[str, tuple[str, Sequence[float]]]
"""Label to colour and values."""


def lines(
    axes: Axes,
    at: Sequence[datetime],
    series: Series,
    title: str,
    *,
    limit: tuple[str, float] | None = None,
) -> None:
    """A line each, none across a pause; `limit` is a dashed line with its label."""
    times, holes = _with_holes(at)
    most = max((v for _, values in series.values() for v in values), default=0.0)
    for label, (color, values) in series.items():
        drawn = [nan if i is None else values[i] for i in holes]
        axes.plot(
            _numbers(times),
            drawn,
            color=color,
            linewidth=1.8,
            marker="o",
            markersize=3,
            label=label,
        )
    if limit is not None:
        axes.axhline(limit[1], color=RED, linewidth=1, linestyle=(0, (4, 3)), label=limit[0])
        most = max(most, limit[1])
    axes.set_ylim(0, most * 1.12 or 1)
    _time_axis(axes, times)
    titled(axes, title, columns=len(series) + (limit is not None))


def stacked(
    axes: Axes, at: Sequence[datetime], series: Series, title: str, *, width: timedelta
) -> None:
    """Bars on top of each other, each from its time to `width` later."""
    base = [0.0] * len(at)
    days = width / timedelta(days=1)
    for label, (color, values) in series.items():
        axes.bar(
            _numbers(at), values, days, base, align="edge", color=color, label=label, linewidth=0
        )
        base = [low + value for low, value in zip(base, values, strict=True)]
    axes.set_ylim(0, max(base, default=0.0) * 1.12 or 1)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6))
    _time_axis(axes, [*at, *([at[-1] + width] if at else [])])
    titled(axes, title, columns=len(series))


def ranges(
    axes: Axes, rows: Sequence[tuple[str, float, float, float]], title: str, *, logarithmic: bool
) -> None:
    """A line a row, from P50 over P95 to P99, in ms; P95 is written out."""
    for y, (_, *values) in enumerate(rows):
        p50, p95, p99 = (max(1.0, value) for value in values)
        axes.plot([p50, p99], [y, y], color=INK, linewidth=2, alpha=0.45, zorder=1)
        for value, color, label in ((p50, BLUE, "P50"), (p95, AMBER, "P95"), (p99, RED, "P99")):
            axes.scatter(value, y, s=42, color=color, zorder=2, label=label if y == 0 else None)
        _written(axes, duration(values[1]), p99, y)
    _row_axis(axes, [row[0] for row in rows])
    if rows:
        most = max(max(row[1:]) for row in rows)
        if logarithmic:
            axes.set_xscale("log")
        axes.set_xlim(*((0.8, most * 4) if logarithmic else (0, most * 1.25)))
        axes.xaxis.set_major_formatter(lambda value, _: duration(value))
    titled(axes, title, columns=3)


def rows(
    axes: Axes, names: Sequence[str], series: Series, title: str, written: Sequence[str] = ()
) -> None:
    """A horizontal bar a name, its parts side by side; `written` stands at its end."""
    base = [0.0] * len(names)
    for label, (color, values) in series.items():
        axes.barh(range(len(names)), values, 0.62, base, color=color, label=label, linewidth=0)
        base = [low + value for low, value in zip(base, values, strict=True)]
    for y, text in enumerate(written):
        _written(axes, text, base[y], y)
    _row_axis(axes, names)
    axes.set_xlim(0, max(base, default=0.0) * (1.25 if written else 1.05) or 1)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5))
    titled(axes, title, columns=len(series) if len(series) > 1 else 0)


def spells(
    axes: Axes,
    names: Sequence[str],
    online: Sequence[Sequence[tuple[datetime, datetime]]],
    title: str,
    *,
    window: tuple[datetime, datetime],
    color: str,
) -> None:
    """A row a name, coloured while it was there."""
    for y, found in enumerate(online):
        bars = [(date2num(begin), date2num(end) - date2num(begin)) for begin, end in found]
        axes.broken_barh(bars, (y - 0.28, 0.56), color=color, linewidth=0)
    _row_axis(axes, names)
    _time_axis(axes, window)
    titled(axes, title)


def grid(
    axes: Axes,
    names: Sequence[str],
    at: Sequence[datetime],
    values: Mapping[tuple[int, int], float],
    title: str,
    *,
    width: timedelta,
    color: str,
) -> None:
    """A cell a name and time, by their places; the deeper its colour, the more."""
    most = max(values.values(), default=0.0) or 1.0
    for (row, column), value in values.items():
        if value:
            begin = date2num(at[column])
            cell = [(begin, date2num(at[column] + width) - begin)]
            depth = 0.15 + 0.85 * value / most
            axes.broken_barh(cell, (row - 0.42, 0.84), color=color, alpha=depth, linewidth=0)
    _row_axis(axes, names)
    _time_axis(axes, [*at, *([at[-1] + width] if at else [])])
    titled(axes, title)


def duration(ms: float) -> str:
    """812 ms, 1.07 s."""
    if ms >= 1000:
        return f"{ms / 1000:.3g} s"
    if ms == 0:
        return "0"
    return f"{ms:.0f} ms" if ms >= 10 else f"{ms:.1g} ms"


def _with_holes(at: Sequence[datetime]) -> tuple[list[datetime], list[int | None]]:
    """The times with one of no value in each pause, and the place of each value."""
    if len(at) < 2:
        return list(at), list(range(len(at)))
    usual = min(after - before for before, after in pairwise(at))
    times: list[datetime] = [at[0]]
    drawn: list[int | None] = [0]
    for i, (before, after) in enumerate(pairwise(at), 1):
        if after - before > 3 * usual:
            times.append(before + usual)
            drawn.append(None)
        times.append(after)
        drawn.append(i)
    return times, drawn


def _numbers(times: Sequence[datetime]) -> Any:
    """matplotlib's days."""
    return date2num(list(times))


def _time_axis(axes: Axes, times: Sequence[datetime]) -> None:
    if len(times) == 1:
        axes.set_xlim(*(date2num(times[0] + timedelta(minutes=m)) for m in (-1, 1)))
    elif times:
        axes.set_xlim(date2num(min(times)), date2num(max(times)))
    locator = AutoDateLocator(minticks=4, maxticks=10)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def _row_axis(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)


def _written(axes: Axes, text: str, x: float, y: float) -> None:
    place: dict[str, Any] = {"xytext": (8, 0), "textcoords": "offset points"}
    axes.annotate(text, (x, y), **place, va="center", color=INK, fontsize=8.5)


def titled(axes: Axes, title: str, columns: int = 0) -> None:
    """The title, and beside it, out of the lines' way, a legend of so many columns."""
    axes.set_title(title, loc="left")
    if columns:
        axes.legend(
            loc="lower right", bbox_to_anchor=(1, 1), ncols=columns, frameon=False, labelcolor=INK,
            fontsize=8.5, handletextpad=0.3, columnspacing=1.0, borderaxespad=0.2, handlelength=1.2,
        )  # fmt: skip
