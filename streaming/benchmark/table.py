"""The one table of docs/benchmarks.md, from the reports that `make bench` and `bench-peers` wrote.

python -m streaming.benchmark.table reports/bench_*.json
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from streaming.benchmark.pipeline.compare import machine_of
from streaming.markdown import markdown_table

PAGE = Path("docs/benchmarks.md")
BEGIN, END = "<!-- made by `make bench`: begin -->", "<!-- end -->"

Report = Mapping[str, Any]
Row = tuple[str, str, str]
"""What was measured, the figures, the day."""


def section(reports: Sequence[Report]) -> str:
    """The table with the machines and the versions under it."""
    rows = [
        (name, what, figures, report["measured_at"][:10])
        for report in reports
        for name, what, figures in _rows(report)
    ]
    table = markdown_table(("Benchmark", "What", "Figures", "Day"), rows)
    machines = sorted({machine_of(report) for report in reports})
    newest = max(reports, key=lambda report: str(report["measured_at"]))
    versions = ", ".join(f"{name} {number}" for name, number in newest["versions"].items())
    return f"{table}\n\n{'; '.join(machines)}; {versions}."


def replaced(page: str, text: str) -> str:
    """The page with `text` between the two markers.

    Raises:
        ValueError: it has no such markers.
    """
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no {BEGIN} … {END}")
    return f"{head}{BEGIN}\n\n{text}\n\n{END}{tail}"


def _rows(report: Report) -> Iterator[Row]:
    make = _MAKERS.get(report["name"])
    if make is not None:
        for result in report["results"]:
            yield (report["name"], *make(report["settings"], result))


def _pipeline(settings: Report, result: Report) -> tuple[str, str]:
    ours, frames = result["end_to_end_ms"] or {}, result["frames"]
    return (
        f"{settings['cameras']} cameras, {settings['duration_s']:g} s, {settings['api_keys']} keys",
        (
            f"P50 {_whole(ours.get('p50'))}, P95 {_whole(ours.get('p95'))} ms, "
            f"{_whole(result.get('p95_above_provider_ms'))} above the provider's; "
            f"{result['frames_per_s']:g} of {frames['due_per_s']:g} frames/s; "
            f"success {result['success_rate']}, 429s {result['http_429']}, "
            f"unaccounted {result['unaccounted']}"
        ),
    )


def _scheduler(settings: Report, result: Report) -> tuple[str, str]:
    if "peer" in result:
        what = f"{result['peer']} {result['version']}, {result['setting']}"
    else:
        count = result["instances"]
        what = f"Trafficmon, {count} instance{'s' if count > 1 else ''}"
    return (
        f"{what}, {settings['limit_per_s']:g} calls/s allowed",
        (
            f"{result['calls_per_s']:g} calls/s, 429s {result['http_429']}, "
            f"success {result['success_rate']}, {result['cpu_ms_per_call']} ms of CPU a call"
        ),
    )


def _tasks(_settings: Report, result: Report) -> tuple[str, str]:
    gate = " with the gate" if result["gate"] else ""
    latency = result["latency_ms"] or {}
    return (
        f"{result['engine']}{gate}",
        (
            f"{result['messages_per_s']:,} messages/s, P95 {_whole(latency.get('p95'))} ms, "
            f"{result['cpu_us_per_message']} µs of CPU each, {result['tasks_twice']} tasks twice"
        ),
    )


def _detection(_settings: Report, result: Report) -> tuple[str, str]:
    ages = result["capture_to_publish_ms"] or {}
    return (
        f"{result['cameras']} cameras, {result['phase']}",
        (
            f"{result['frames_per_s']:g} of {result['due_per_s']:g} frames/s, "
            f"P95 {_whole(ages.get('p95'))} ms; "
            f"the bare model {result['bare_model_frames_per_s']:g}"
        ),
    )


def _detector(_settings: Report, result: Report) -> tuple[str, str]:
    return f"{result['runtime']}, batch {result['batch']}", f"{result['ms_per_frame']} ms a frame"


def _junction(_settings: Report, result: Report) -> tuple[str, str]:
    painted = result["render_ms"]
    return "a synthetic frame", f"painted in {painted['p50']} ms, P95 {painted['p95']}"


def _aggregation(_settings: Report, result: Report) -> tuple[str, str]:
    rate, cpu_us = result["results_per_s"], result["cpu_us_per_message"]
    return "one worker", f"{rate:,} results/s, {cpu_us} µs of CPU a message"


def _serving(_settings: Report, result: Report) -> tuple[str, str]:
    took = result["delivery_ms"]
    return (
        f"{result['clients']} clients",
        (
            f"P50 {_whole(took['p50'])}, P95 {_whole(took['p95'])} ms to the last; "
            f"{result['at_every_client']} of {result['frames']} frames at every one; "
            f"{_whole(result['rss_mb']['most'])} MB"
        ),
    )


def _lake(_settings: Report, result: Report) -> tuple[str, str]:
    return (
        f"{result['rows']:,} assessments",
        (
            f"{result['ingest_rows_per_s']:,} verdicts/s, {result['ingest_detections_per_s']:,} "
            f"detections/s; a day's report {result['report_day_s']:g} s, a month's "
            f"{result['report_month_s']:g}; {result['bytes_per_row']:g} bytes a row; "
            f"readers' errors {result['reader_errors']}"
        ),
    )


_MAKERS: Mapping[str, Callable[[Report, Report], tuple[str, str]]] = {
    "pipeline": _pipeline,
    "scheduler": _scheduler,
    "tasks": _tasks,
    "detection": _detection,
    "detector": _detector,
    "junction": _junction,
    "aggregation": _aggregation,
    "serving": _serving,
    "lake": _lake,
}


def _whole(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


if __name__ == "__main__":
    found = [json.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:]]
    PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), section(found)), encoding="utf-8")
