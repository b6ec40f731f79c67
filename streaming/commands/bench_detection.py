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
    help="Number of cameras; with --saturate, to start with.",
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
    help="A video, any other camera source, or synthetic.",
)
@click.option(
    "--duration",
    default=60.0,
    show_default=True,
    type=click.FloatRange(min=5),
    help="Measured seconds, after a warm-up.",
)
@click.option(
    "--saturate", is_flag=True, help="Find the largest number of cameras that it carries."
)
@click.option(
    "--trouble",
    is_flag=True,
    help="Measure again beside 13 misbehaving cameras.",
)
@click.option("--soak", is_flag=True, help="Continue for as long again, and record memory.")
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
    """Measure how many cameras one detection worker carries, beside the bare model.

    With the Kafka and Redis that run, or with its own.
    """
    from streaming.benchmark.detection import Load, measure

    if not source.startswith("synthetic") and Path(source).exists():
        source = str(Path(source).absolute())
    load = Load(cameras, interval, source, duration, saturate, trouble, soak)
    show(measure(settings_of(), load, lambda text: click.echo(text, err=True)), report_file)
