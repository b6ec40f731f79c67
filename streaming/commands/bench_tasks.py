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
    help="Detections for each engine.",
)
@click.option(
    "--engine",
    "engines",
    multiple=True,
    type=click.Choice(["python", "bare", "quixstreams", "flink"]),
    help="Only this one; may be repeated.",
)
@report_file
def tasks(messages: int, engines: tuple[str, ...], report_file: Path | None) -> None:
    """Detections to tasks, exactly once: our worker, Flink, Quix Streams.

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
    """Calls saved by the gate, and near misses that it hides, by the synthetic cameras' truth."""
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
    help="What is killed: the worker, or Flink's task manager.",
)
@click.option(
    "--messages",
    default=100_000,
    show_default=True,
    type=click.IntRange(min=100),
    help="Detections, evenly over the duration.",
)
@click.option("--every", default=3.0, show_default=True, help="Seconds between kills.")
@click.option("--duration", default=60.0, show_default=True, help="Seconds of kills.")
@report_file
def kills(
    *, engine: str, messages: int, every: float, duration: float, report_file: Path | None
) -> None:
    """kill -9 of task generation under load; exit code 1 unless each task is there once."""
    from streaming.benchmark.task_kills import Load, measure

    load = Load(messages, every, duration)
    report = measure(settings_of(), engine, load, console.print)
    show(report, report_file)
    (result,) = report.results
    raise click.exceptions.Exit(int(any(result[n] for n in ("missing", "foreign", "twice"))))
