"""`trafficmon bench`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from streaming.commands.context import console, settings_of

if TYPE_CHECKING:
    from streaming.benchmark.report import Report

report_file = click.option(
    "--report-file", type=click.Path(dir_okay=False, path_type=Path), help="Write the JSON here."
)


@click.group()
def bench() -> None:
    """Measurements of this machine."""


@bench.command()
@click.option("--frames", default=300, show_default=True, type=click.IntRange(min=20))
@report_file
def junction(frames: int, report_file: Path | None) -> None:
    """A frame of a synthetic camera."""
    from streaming.benchmark.junction import measure

    _show(measure(frames=frames), report_file)


@bench.command()
@click.option("--frames", default=200, show_default=True, type=click.IntRange(min=20))
@report_file
def detector(frames: int, report_file: Path | None) -> None:
    """A frame through the detection model, by runtime and batch size."""
    from streaming.benchmark.detector import measure

    _show(measure(settings_of().detection, frames=frames), report_file)


@bench.command()
@click.option("--keys", default=10, show_default=True, help="Keys of the pool.")
@click.option("--qps", default=10.0, show_default=True, help="Limit of each key in a second.")
@click.option("--rpm", default=300, show_default=True, help="Limit of each key in a minute.")
@click.option("--duration", default=66.0, show_default=True, help="Seconds.")
@click.option("--share", default=1.1, show_default=True, help="Offered, as a share of the limit.")
@report_file
def scheduler(
    *, keys: int, qps: float, rpm: int, duration: float, share: float, report_file: Path | None
) -> None:
    """Calls a second, refusals and added latency, on a strict provider and a running Kafka."""
    from streaming.benchmark.scheduler import Load, measure

    _show(measure(settings_of(), Load(keys, qps, rpm, duration, share)), report_file)


def _show(report: "Report", path: Path | None) -> None:
    table = Table(*report.results[0], title=report.name, title_justify="left")
    for result in report.results:
        table.add_row(*(str(value) for value in result.values()))
    console.print(table)
    if path is not None:
        report.write(path)
        click.echo(f"written to {path}")
