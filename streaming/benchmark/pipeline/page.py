"""The report to read: Markdown, and a page of HTML that needs nothing else. Pure."""

import base64
import html
from collections.abc import Mapping, Sequence
from typing import Any

from streaming.benchmark.pipeline.compare import machine_of
from streaming.benchmark.pipeline.figures import STAGES
from streaming.html_page import html_page
from streaming.markdown import markdown_table, ms, share

STAGE_WORDS: Mapping[str, str] = {
    "captured": "due until captured",
    "detection": "captured until published",
    "tasks": "published until planned",
    "queue": "planned until called",
    "provider": "the provider's calls",
    "answer": "retries, reading the answer",
    "last_hop": "verdict until told to the walls",
}

Row = tuple[object, ...]
Section = tuple[str, tuple[str, ...], list[Row]]


def as_markdown(report: Mapping[str, Any]) -> str:
    """The text that the command prints and that is written beside the JSON."""
    parts = [f"# {title(report)}", _about(report)]
    parts += ["## Findings", "\n".join(f"- {text}" for text in findings_of(report))]
    for name, columns, rows in sections(report):
        parts += [f"## {name}", markdown_table(columns, rows)]
    return "\n\n".join(parts) + "\n"


def as_html(report: Mapping[str, Any], png: bytes) -> str:
    """A page of its own: no script, no address but its own."""
    encoded = base64.b64encode(png).decode()
    listed = "".join(f"<li>{html.escape(text)}</li>" for text in findings_of(report))
    tables = "".join(
        f"<h2>{html.escape(name)}</h2>{_html_table(columns, rows)}"
        for name, columns, rows in sections(report)
    )
    name = html.escape(title(report))
    return html_page(
        title(report),
        f"<h1>{name}</h1><p>{html.escape(_about(report))}</p>"
        f"<h2>Findings</h2><ul>{listed}</ul>"
        f'<img alt="Latency, lag and cores over time" src="data:image/png;base64,{encoded}">'
        f"{tables}",
    )


def title(report: Mapping[str, Any]) -> str:
    """What was measured, in a line."""
    load = report["settings"]
    gate = "with the gate" if load["gate"] else "without the gate"
    judge = f"{load['api_keys']} keys of the {load['provider']} provider"
    return f"{load['cameras']} cameras, {load['duration_s']:g} s, {judge}, {gate}"


def findings_of(report: Mapping[str, Any]) -> list[str]:
    """The findings, or that there are none."""
    (result,) = report["results"]
    return list(result["findings"]) or ["nothing is wrong"]


def sections(report: Mapping[str, Any]) -> list[Section]:
    """The tables: name, columns, rows."""
    (result,) = report["results"]
    return [_whole(result), _stages(result), _ends(result), _processes(result), _settings(report)]


def _about(report: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in report["versions"].items())
    load = report["machine"]["load_1_min"]
    return f"{report['measured_at']}, {machine_of(report)}, load {load:g} at the end; {versions}."


def _whole(result: Mapping[str, Any]) -> Section:
    frames, gate = result["frames"], result["gate"]
    rows: list[Row] = [
        ("frames/s (due)", f"{result['frames_per_s']:g} ({frames['due_per_s']:g})"),
        ("frames due, missed", f"{frames['due']:,}, {frames['missed']:,}"),
        ("detections/s", result["detections_per_s"]),
        ("tasks/s", result["tasks_per_s"]),
        ("calls saved by the gate", share(gate["calls_saved"])),
        ("success rate of tasks", share(result["success_rate"])),
        ("429s", result["http_429"]),
        ("unaccounted for", result["unaccounted"]),
        ("lag at the end, messages", result["lag_end"]),
        ("P95 above the provider's own, ms", ms(result.get("p95_above_provider_ms"))),
        ("cost", result["cost"]),
    ]
    return "The whole", ("Figure", "Value"), rows


def _stages(result: Mapping[str, Any]) -> Section:
    rows = [
        _latency("end to end: due until the verdict", result["end_to_end_ms"]),
        *(_latency(STAGE_WORDS[name], result["stages_ms"][name]) for name in STAGES),
        _latency("due until published, every frame", result["frames"]["due_to_published_ms"]),
    ]
    return "Latency, ms", ("Stage", "Mean", "P50", "P95", "P99"), rows


def _latency(name: str, found: Mapping[str, float] | None) -> Row:
    names = ("mean", "p50", "p95", "p99")
    return (name, *(ms(found[n]) if found else None for n in names))


def _ends(result: Mapping[str, Any]) -> Section:
    ends: dict[str, int] = result["ends_by_reason"]
    rows: list[Row] = [(end, ends[end]) for end in sorted(ends, key=ends.__getitem__, reverse=True)]
    return "How tasks ended", ("End", "Tasks"), rows


def _processes(result: Mapping[str, Any]) -> Section:
    used = result["resources"]
    rows: list[Row] = [
        (name, use["cores"], use["rss_mb"]) for name, use in used["processes"].items()
    ]
    rows.append((f"everything on {used['cores']} cores", used["cores_busy"], None))
    return "Processes", ("Process", "Cores", "Most memory, MB"), rows


def _settings(report: Mapping[str, Any]) -> Section:
    return "Settings", ("Setting", "Value"), [(k, str(v)) for k, v in report["settings"].items()]


def _html_table(columns: Sequence[str], rows: Sequence[Row]) -> str:
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
