"""`trafficmon bench`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from streaming.commands.context import console, settings_of

if TYPE_CHECKING:
    from streaming.benchmark.report import Report

report_file = click.option(
    "--report-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the report to this file, as JSON.",
)


@click.group()
def bench() -> None:
    """Measure this machine."""


@bench.command()
@click.option("--frames", default=300, show_default=True, type=click.IntRange(min=20))
@report_file
def junction(frames: int, report_file: Path | None) -> None:
    """Measure simulating and painting a frame of a synthetic camera."""
    from streaming.benchmark.junction import measure

    show(measure(frames=frames), report_file)


@bench.command()
@click.option("--frames", default=200, show_default=True, type=click.IntRange(min=20))
@report_file
def detector(frames: int, report_file: Path | None) -> None:
    """Measure the detection model, by runtime and batch size."""
    from streaming.benchmark.detector import measure

    show(measure(settings_of().detection, frames=frames), report_file)


@bench.command()
@click.option("--duration", default=90.0, show_default=True, help="Scene time of each camera, s.")
@click.option(
    "--interval",
    "intervals",
    multiple=True,
    type=click.FloatRange(0.02, 0.5),
    help="Seconds between frames; may be repeated. [default: 0.5, 0.2]",
)
@click.option(
    "--peer",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Python of an environment with the package trackers, to compare its ByteTrack.",
)
@report_file
def tracking(
    duration: float, intervals: tuple[float, ...], peer: Path | None, report_file: Path | None
) -> None:
    """Compare tracks, speeds and risk with the ground truth of the synthetic cameras."""
    from streaming.benchmark.tracking import measure

    report = measure(duration_s=duration, intervals_s=intervals or (0.5, 0.2), peer=peer)
    show(report, report_file)


def _whole_numbers(
    _context: click.Context, parameter: click.Parameter, value: str
) -> tuple[int, ...]:
    """ "1,2,4" as numbers; "none" as no number."""
    try:
        found = tuple(int(part) for part in value.split(",")) if value != "none" else ()
    except ValueError:
        found = (0,)
    if any(number < 1 for number in found):
        raise click.BadParameter(
            "must be whole numbers from 1 on, joined by commas", None, parameter
        )
    return found


@bench.command()
@click.option(
    "--keys", default=10, show_default=True, type=click.IntRange(1, 1000), help="Number of keys."
)
@click.option(
    "--qps",
    default=10.0,
    show_default=True,
    type=click.FloatRange(0.1, 10_000),
    help="Limit of each key, calls a second.",
)
@click.option(
    "--rpm",
    default=300,
    show_default=True,
    type=click.IntRange(1, 1_000_000),
    help="Limit of each key, calls a minute.",
)
@click.option(
    "--instances",
    default="1",
    show_default=True,
    callback=_whole_numbers,
    help="Numbers of schedulers to measure, separated by commas.",
)
@click.option(
    "--duration",
    default=60.0,
    show_default=True,
    type=click.FloatRange(min=1),
    help="Measured seconds at full load, after a warm-up.",
)
@click.option(
    "--latency-at",
    default="50,80",
    show_default=True,
    callback=_whole_numbers,
    help="Loads at which to measure added latency, % of the limit; or none.",
)
@click.option(
    "--arrivals",
    default="even",
    show_default=True,
    type=click.Choice(["even", "poisson"]),
    help="How tasks arrive below full load.",
)
@click.option(
    "--image-bytes",
    default=15_000,
    show_default=True,
    type=click.IntRange(2, 7_000_000),
    help="Size of each task's picture, bytes.",
)
@click.option(
    "--scenario",
    default="steady",
    show_default=True,
    type=click.Choice(["steady", "faults", "outage", "kill"]),
    help="Faults to inject.",
)
@click.option("--peers", "with_peers", is_flag=True, help="Measure LiteLLM's router as well.")
@report_file
def scheduler(*, report_file: Path | None, with_peers: bool, **options: Any) -> None:
    """Measure how much of the keys' limits the schedulers use, on a strict provider.

    With the Kafka and Redis that run, or with its own.
    """
    from streaming.benchmark.scheduler import Load, measure

    load = Load(duration_s=options.pop("duration"), **options)
    report = measure(
        settings_of(), load, lambda text: click.echo(text, err=True), with_peers=with_peers
    )
    show(report, report_file)


def show(report: "Report", path: Path | None) -> None:
    console.print(_table(report))
    if path is not None:
        report.write(path)
        click.echo(f"written to {path}")


def _table(report: "Report") -> Table:
    """A row a result; where figures have parts, a row a figure and a column a result."""
    from streaming.benchmark.report import flat

    results = [flat(result) for result in report.results]
    if all(
        len(result) == len(given) for result, given in zip(results, report.results, strict=True)
    ):
        table = Table(*results[0], title=report.name, title_justify="left")
        for result in results:
            table.add_row(*(str(value) for value in result.values()))
        return table
    names = dict.fromkeys(name for result in results for name in result)
    table = Table(show_header=False, title=report.name, title_justify="left")
    for name in names:
        table.add_row(name, *(str(result.get(name, "")) for result in results))
    return table
