"""The live table of `trafficmon demo`: figures in, a rich renderable out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from streaming.demo.tally import CameraTally, Tally, percentile

RISK_STYLES = {"high": "bold red", "medium": "yellow", "low": "cyan", "none": "dim"}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the topics do not tell: keys, lag, camera states, daemons, where to look."""

    keys: str
    lag: int | None
    camera_names: Mapping[str, str]
    camera_states: Mapping[str, str]
    daemons_down: Sequence[str]
    addresses: Mapping[str, str]


def screen(tally: Tally, around: Surroundings, now: datetime) -> RenderableType:
    """The whole screen, from top to bottom: totals, cameras, addresses."""
    return Group(_totals(tally, around, now), _cameras(tally, around, now), _footer(around))


def line(tally: Tally, around: Surroundings, now: datetime) -> str:
    """The same in one line, for logs and pipes."""
    frames_per_s, detections_per_s = tally.rates(now)
    return (
        f"{(now - tally.started_at).total_seconds():5.0f} s  {frames_per_s:5.1f} frames/s"
        f"  {detections_per_s:6.1f} detections/s  {len(tally.task_ids):5d} tasks"
        f"  {tally.count('assessed'):5d} assessed  success {_share(tally.success_rate)}"
        f"  P95 {_ms(percentile(sorted(tally.end_to_end_ms), 0.95))}  keys {around.keys}"
        f"  lag {_number(around.lag)}"
        + (f"  DOWN: {', '.join(around.daemons_down)}" if around.daemons_down else "")
    )


def summary_table(summary: Mapping[str, Any]) -> Table:
    """The figures of `reports/demo.json` as a table."""
    table = Table(title="Summary", show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(justify="right")
    for name in ("frames", "detections", "groups", "skipped", "tasks", "assessed"):
        table.add_row(name, f"{summary[name]:,}")
    for name in ("expired", "failed"):
        table.add_row(name, f"{summary[name]:,}")
    table.add_row("unaccounted", f"{summary['unaccounted']:,}")
    table.add_row("success rate", _share(summary["success_rate"]))
    for name, value in summary["end_to_end_ms"].items():
        table.add_row(f"capture to verdict {name.upper()}", _ms(value))
    first_s = summary["first_assessment_s"]
    table.add_row("first assessment after", "never" if first_s is None else f"{first_s:.1f} s")
    return table


def _totals(tally: Tally, around: Surroundings, now: datetime) -> Table:
    frames_per_s, detections_per_s = tally.rates(now)
    latencies = sorted(tally.end_to_end_ms)
    figures = {
        "running": f"{(now - tally.started_at).total_seconds():.0f} s",
        "frames/s": f"{frames_per_s:.1f}",
        "detections/s": f"{detections_per_s:.1f}",
        "tasks": f"{len(tally.task_ids):,}",
        "assessed": f"{tally.count('assessed'):,}",
        "success": _share(tally.success_rate),
        "P50": _ms(percentile(latencies, 0.50)),
        "P95": _ms(percentile(latencies, 0.95)),
        "keys": around.keys,
        "lag": _number(around.lag),
    }
    table = Table(title="Trafficmon", title_justify="left", expand=True)
    for name in figures:
        table.add_column(name, justify="right")
    table.add_row(*figures.values())
    return table


def _cameras(tally: Tally, around: Surroundings, now: datetime) -> Table:
    table = Table(expand=True)
    table.add_column("camera")
    table.add_column("state")
    for name in ("frames", "detections", "tasks", "assessed"):
        table.add_column(name, justify="right")
    table.add_column("verdicts")
    table.add_column("last frame", justify="right")
    for camera_id in sorted(around.camera_names.keys() | tally.cameras.keys()):
        row = tally.cameras.get(camera_id) or CameraTally()
        state = around.camera_states.get(camera_id, "starting")
        table.add_row(
            f"{camera_id} {around.camera_names.get(camera_id, '')}",
            Text(state, style={"online": "green", "degraded": "yellow"}.get(state, "red")),
            str(row.frames),
            str(row.detections),
            str(row.tasks),
            str(row.assessed),
            _levels(row),
            "" if row.last_captured_at is None else f"{(now - row.last_captured_at).seconds} s ago",
        )
    return table


def _levels(row: CameraTally) -> Text:
    parts = [
        Text(f"{row.levels[level]} {level}  ", style=style)  # type: ignore[index]
        for level, style in RISK_STYLES.items()
        if row.levels[level]  # type: ignore[index]
    ]
    return Text.assemble(*parts)


def _footer(around: Surroundings) -> Text:
    down = [Text(f"down, being restarted: {', '.join(around.daemons_down)}\n", style="bold red")]
    lines = [Text(f"{name:>10}  {address}\n") for name, address in around.addresses.items()]
    return Text.assemble(*(down if around.daemons_down else []), *lines, "Ctrl-C drains and stops.")


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f} ms"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _number(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"
