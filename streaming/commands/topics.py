"""`trafficmon topics`."""

import click
from rich.table import Table

from streaming.commands.context import console, settings_of


@click.group()
def topics() -> None:
    """Kafka topics."""


@topics.command("init")
def topics_init() -> None:
    """Create what is missing, grow partitions, set retention; nothing is shrunk or deleted."""
    from streaming.kafka.admin import ensure_topics, wait_for_broker

    kafka = settings_of().kafka
    wait_for_broker(kafka)
    table = Table("topic", "partitions", "done", "differs from settings")
    for state in ensure_topics(kafka):
        done = "created" if state.created else ", ".join(state.changes) or "as it was"
        table.add_row(state.name, str(state.partitions), done, ", ".join(state.drift))
    console.print(table)
