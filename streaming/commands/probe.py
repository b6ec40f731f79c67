"""`trafficmon probe`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from streaming.commands.context import console, settings_of

if TYPE_CHECKING:
    from streaming.probe.promises import Promise


@click.command()
@click.option("--camera-id", default="probe", show_default=True, help="Id of the test camera.")
@click.option(
    "--duration",
    default=60.0,
    show_default=True,
    type=click.FloatRange(5, 3600),
    help="Seconds to watch.",
)
@click.option(
    "--source", default="synthetic", show_default=True, help="Any camera source, or synthetic."
)
@click.option(
    "--report-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the report to this file, as JSON.",
)
def probe(*, camera_id: str, duration: float, source: str, report_file: Path | None) -> None:
    """Send a test camera through the running system; exit code 1 with the stage that failed.

    The camera is removed at the end. One that is already running is followed and stays.
    """
    from streaming.probe.probe import probe as run_probe
    from streaming.probe.promises import broken, verdict

    settings = settings_of()
    found = run_probe(
        settings,
        camera_id,
        source,
        duration_s=duration,
        say=lambda text: click.echo(text, err=True),
    )
    console.print(_promises(found.promises))
    console.print(_times(found.result))
    if report_file is not None:
        report_file.parent.mkdir(parents=True, exist_ok=True)
        told = {"promises": [asdict(p) for p in found.promises], "result": found.result}
        report_file.write_text(json.dumps({"name": "probe"} | told, indent=2) + "\n")
    failed = broken(found.promises) is not None
    console.print(verdict(found.promises), style="red" if failed else "green")
    raise click.exceptions.Exit(1 if failed else 0)


def _promises(found: Sequence["Promise"]) -> Table:
    table = Table("stage", "promise", "seen", "", title="Promises", title_justify="left")
    for promise in found:
        kept = "[green]kept" if promise.kept else "[red]broken"
        table.add_row(promise.stage, promise.words, promise.seen, kept)
    return table


def _times(result: Mapping[str, Any]) -> Table:
    from streaming.benchmark.pipeline.page import STAGE_WORDS
    from streaming.markdown import ms

    table = Table("stage", "", title="Where the time goes, ms", title_justify="left")
    for name in ("P50", "P95", "P99"):
        table.add_column(name, justify="right")
    rows = {name: (words, result["stages_ms"][name]) for name, words in STAGE_WORDS.items()}
    for name, (words, of) in (
        *rows.items(), ("end to end", ("due until the verdict", result["end_to_end_ms"])),
    ):  # fmt: skip
        values = [(ms(of[p]) if of else None) or "–" for p in ("p50", "p95", "p99")]
        table.add_row(name.replace("_", " "), words, *values)
    return table
