"""`trafficmon bench lake`."""

from pathlib import Path

import click

from streaming.commands.bench import report_file, show
from streaming.commands.context import console, settings_of


@click.command()
@click.option(
    "--rows",
    default=1_000_000,
    show_default=True,
    type=click.IntRange(min=10_000),
    help="Assessments in the lake, over 30 days.",
)
@click.option(
    "--through-kafka",
    default=500_000,
    show_default=True,
    type=click.IntRange(min=10_000),
    help="How many of them to ingest from Kafka; SQL copies the rest.",
)
@click.option(
    "--detections",
    default=200_000,
    show_default=True,
    type=click.IntRange(min=1_000),
    help="Detections to ingest from Kafka.",
)
@click.option(
    "--readers",
    default=8,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Readers that query once a second during half of the ingestion.",
)
@click.option(
    "--rounds",
    default=1,
    show_default=True,
    type=click.IntRange(1, 1_000),
    help="Rounds of ingestion: without readers, with readers, then upkeep.",
)
@report_file
def lake(*, rows: int, report_file: Path | None, **options: int) -> None:
    """Measure ingestion, queries beside it, the size of a row, and the latency report.

    With the Kafka that runs, or with its own; the lake is one of its own.
    """
    from streaming.benchmark.lake import Load, measure

    show(measure(settings_of(), Load(rows=rows, **options), console.print), report_file)


@click.command("lake-kills")
@click.option(
    "--kills",
    default=100,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="Number of kills.",
)
@click.option(
    "--messages",
    default=100_000,
    show_default=True,
    type=click.IntRange(min=1_000),
    help="Detections to ingest, with eight objects each.",
)
@report_file
def lake_kills(*, kills: int, messages: int, report_file: Path | None) -> None:
    """Kill ingestion at random moments; exit code 1 unless every message is stored once."""
    from streaming.benchmark.lake_kills import Kills, measure

    report = measure(settings_of(), Kills(kills, messages), console.print)
    show(report, report_file)
    (result,) = report.results
    wrong = ("missing", "foreign", "twice", "objects_wrong")
    raise click.exceptions.Exit(1 if any(result[name] for name in wrong) else 0)
