"""`trafficmon bench detection`."""

from pathlib import Path

import click

from streaming.commands.bench import report_file, show
from streaming.commands.context import settings_of


@click.command()
@click.option(
    "--cameras",
    default=50,
    show_default=True,
    type=click.IntRange(1, 1000),
    help="How many; with --saturate, how many at first.",
)
@click.option(
    "--interval",
    default=1.8,
    show_default=True,
    type=click.FloatRange(0.02, 3600),
    help="Seconds between frames of a camera.",
)
@click.option(
    "--source",
    default="synthetic",
    show_default=True,
    help="A video, any other source of a camera, or synthetic.",
)
@click.option(
    "--duration",
    default=60.0,
    show_default=True,
    type=click.FloatRange(min=5),
    help="Seconds that are measured, after a warm-up.",
)
@click.option("--saturate", is_flag=True, help="Find the most cameras that it carries.")
@click.option(
    "--trouble",
    is_flag=True,
    help="Measure again with a black hole, ten flapping cameras, garbage and 4K beside them.",
)
@click.option("--soak", is_flag=True, help="Go on for as long again, and watch the memory.")
@report_file
def detection(
    *,
    cameras: int,
    interval: float,
    source: str,
    duration: float,
    saturate: bool,
    trouble: bool,
    soak: bool,
    report_file: Path | None,
) -> None:
    """Cameras on one detection worker, and the bare model beside it.

    With the Kafka and Redis that run, or with its own.
    """
    from streaming.benchmark.detection import Load, measure

    if not source.startswith("synthetic") and Path(source).exists():
        source = str(Path(source).absolute())
    load = Load(cameras, interval, source, duration, saturate, trouble, soak)
    show(measure(settings_of(), load, lambda text: click.echo(text, err=True)), report_file)
