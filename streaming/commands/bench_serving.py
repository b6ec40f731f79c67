"""`trafficmon bench serving` and `bench aggregation`."""

from pathlib import Path

import click

from streaming.commands.bench import report_file, show
from streaming.commands.context import settings_of


@click.command()
@click.option(
    "--clients",
    default=200,
    show_default=True,
    type=click.IntRange(2, 500),
    help="WebSocket clients, each with all results and the pictures of two cameras.",
)
@click.option(
    "--deaf",
    default=10,
    show_default=True,
    type=click.IntRange(0),
    help="How many of them never read.",
)
@click.option(
    "--duration",
    default=60.0,
    show_default=True,
    type=click.FloatRange(min=5),
    help="Measured seconds.",
)
@report_file
def serving(*, clients: int, deaf: int, duration: float, report_file: Path | None) -> None:
    """Measure delivery from Kafka to the last of many clients, for 50 cameras at 1.8 s."""
    from streaming.benchmark.serving import Load, measure

    load = Load(clients=clients, deaf=min(deaf, clients - 1), duration_s=duration)
    show(measure(settings_of(), load, lambda text: click.echo(text, err=True)), report_file)


@click.command()
@click.option(
    "--results",
    default=100_000,
    show_default=True,
    type=click.IntRange(min=2_000),
    help="Verdicts to merge, two per frame.",
)
@report_file
def aggregation(results: int, report_file: Path | None) -> None:
    """Measure how many results a second one aggregation worker merges."""
    from streaming.benchmark.aggregation import measure

    report = measure(settings_of(), results=results, say=lambda text: click.echo(text, err=True))
    show(report, report_file)
