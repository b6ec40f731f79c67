"""The latency report as Markdown for the web UI, and as a page that needs nothing else."""

import base64
import html
from datetime import datetime

from trafficmon_dagster.defs.reports.figures import STAGES, LatencyFigures
from trafficmon_dagster.markdown import markdown_table, ms, share

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --muted: #656d76; --line: #d8dee4; --page: #fff }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --muted: #8b949e; --line: #30363d; --page: #0e1116 }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page);
       max-width: 68rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem; margin-bottom: 0 } h2 { font-size: 1.05rem; margin-top: 2rem }
p { color: var(--muted) } img { max-width: 100% }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { padding: .35rem .6rem; border-bottom: 1px solid var(--line); text-align: right }
th:first-child, td:first-child { text-align: left } th { color: var(--muted); font-weight: 600 }
"""

_STAGES_EXPLAINED = (
    "detection: capture to published result; tasks: to the planned task; queue: waiting for a"
    " slot; model: in the provider's calls; transport: Kafka and the rest."
)

Row = tuple[object, ...]
Section = tuple[str, tuple[str, ...], list[Row]]


def as_markdown(figures: LatencyFigures, png: bytes | None) -> str:
    """What the asset's page shows."""
    parts = [_summary(figures)]
    if png is not None:
        encoded = base64.b64encode(png).decode()
        parts.append(
            f"![Latency over time, by stage and by camera](data:image/png;base64,{encoded})"
        )
    parts += [
        f"### {title}\n\n{markdown_table(columns, rows)}"
        for title, columns, rows in sections(figures)
        if rows
    ]
    parts.append(_STAGES_EXPLAINED)
    return "\n\n".join(parts)


def as_html(figures: LatencyFigures, png: bytes | None) -> str:
    """A page of its own: no script, no address but its own."""
    image = ""
    if png is not None:
        encoded = base64.b64encode(png).decode()
        image = f'<img alt="Latency over time" src="data:image/png;base64,{encoded}">'
    tables = "".join(
        f"<h2>{html.escape(title)}</h2>{_html_table(columns, rows)}"
        for title, columns, rows in sections(figures)
        if rows
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Trafficmon: latency and success</title><style>{_STYLE}</style>"
        f"<h1>Latency and success</h1><p>{html.escape(_summary(figures))}</p>"
        f"{image}{tables}<p>{html.escape(_STAGES_EXPLAINED)}</p></html>\n"
    )


def sections(figures: LatencyFigures) -> list[Section]:
    """The report's tables: title, columns, rows."""
    stages: list[Row] = [
        (STAGES[s.name], s.count, ms(s.p50), ms(s.p95), ms(s.p99)) for s in figures.stages
    ]
    cameras: list[Row] = [
        (c.camera_id, c.ended, share(c.success_rate), ms(c.p50), ms(c.p95), ms(c.p99))
        for c in figures.cameras
    ]
    ends: list[Row] = [
        (name, count, share(count / figures.ended))
        for name, count in (
            ("assessed", figures.assessed),
            ("expired", sum(c.expired for c in figures.cameras)),
            ("failed", sum(c.failed for c in figures.cameras)),
        )
        if figures.ended
    ]
    percentiles = ("P50\u00a0ms", "P95\u00a0ms", "P99\u00a0ms")
    return [
        ("Where the time goes, by stage", ("Stage", "Tasks", *percentiles), stages),
        ("End to end, by camera", ("Camera", "Tasks", "Success", *percentiles), cameras),
        ("How tasks ended", ("End", "Tasks", "Share"), ends),
    ]


def _summary(figures: LatencyFigures) -> str:
    span = f"{_minute(figures.since)} to {_minute(figures.until)} UTC"
    end_to_end = figures.end_to_end
    if not figures.ended:
        return f"No task has ended yet ({span})."
    said = f"{figures.ended:,} tasks ended, {share(figures.success_rate)} assessed"
    if end_to_end is not None:
        within = "within" if end_to_end.p95 <= figures.threshold_p95_ms else "over"
        said += (
            f"; capture to verdict P95 {ms(end_to_end.p95)} ms,"
            f" {within} the limit of {ms(figures.threshold_p95_ms)} ms"
        )
    return f"{said} ({span})."


def _html_table(columns: tuple[str, ...], rows: list[Row]) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(_text(cell))}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _text(cell: object) -> str:
    if cell is None:
        return "–"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M")
