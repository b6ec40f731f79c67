"""`trafficmon sql`."""

import click

from streaming.commands.context import settings_of


@click.command()
@click.argument("query")
@click.option("--format", "as_", type=click.Choice(["table", "csv", "json"]), default="table")
def sql(query: str, as_: str) -> None:
    """Ask the lake: trafficmon sql "select risk_level, count(*) from assessments group by 1"."""
    from streaming.lake import ask, written_as

    click.echo(written_as(ask(settings_of(), query), as_))
