"""`trafficmon bench tasks` and `bench gate`."""

from pathlib import Path

import click

from streaming.commands.bench import report_file, show
from streaming.commands.context import console, settings_of


@click.command()
@click.option(
    "--messages",
    default=300_000,
    show_default=True,
    type=click.IntRange(min=10_000),
    help="Detections per engine.",
)
@click.option(
    "--engine",
    "engines",
    multiple=True,
    type=click.Choice(["python", "bare", "quixstreams", "flink"]),
    help="Measure only this one; may be repeated.",
)
@report_file
def tasks(messages: int, engines: tuple[str, ...], report_file: Path | None) -> None:
    """Measure task generation, exactly once: our worker, Flink, Quix Streams.

    With the Kafka that runs, or with its own.
    """
    from streaming.benchmark.task_processes import ENGINES
    from streaming.benchmark.tasks import measure

    report = measure(settings_of(), count=messages, engines=engines or ENGINES, say=console.print)
    show(report, report_file)


@click.command()
@click.option("--duration", default=600.0, show_default=True, help="Scene time of each camera, s.")
@click.option("--interval", default=None, type=float, help="Seconds between frames; else as set.")
@report_file
def gate(duration: float, interval: float | None, report_file: Path | None) -> None:
    """Measure the calls that the gate saves, and the near misses that it hides, if any.

    Against the ground truth of the synthetic cameras.
    """
    from streaming.benchmark.gate import measure

    settings = settings_of()
    intervals = (interval,) if interval else (settings.detection.interval_s, 0.6)
    show(measure(settings, duration_s=duration, intervals_s=intervals), report_file)


@click.command()
@click.option(
    "--engine",
    type=click.Choice(["python", "flink"]),
    default="python",
    show_default=True,
    help="Kill the Python worker, or Flink's task manager.",
)
@click.option(
    "--messages",
    default=100_000,
    show_default=True,
    type=click.IntRange(min=100),
    help="Detections, spread evenly over the duration.",
)
@click.option("--every", default=3.0, show_default=True, help="Seconds between kills.")
@click.option("--duration", default=60.0, show_default=True, help="Seconds during which to kill.")
@report_file
def kills(
    *, engine: str, messages: int, every: float, duration: float, report_file: Path | None
) -> None:
    """Kill task generation under load (kill -9); exit code 1 unless every task is made once."""
    from streaming.benchmark.task_kills import Load, measure

    load = Load(messages, every, duration)
    report = measure(settings_of(), engine, load, console.print)
    show(report, report_file)
    (result,) = report.results
    raise click.exceptions.Exit(int(any(result[n] for n in ("missing", "foreign", "twice"))))
