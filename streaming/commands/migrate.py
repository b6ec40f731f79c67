"""`trafficmon migrate`."""

import click

from streaming.commands.context import settings_of


@click.command()
@click.option("--dry-run", is_flag=True, help="Only print what would be done.")
def migrate(*, dry_run: bool) -> None:
    """Upgrade a lake of an earlier version, after a backup of its catalog.

    Ingestion does the same. Safe at any time, and repeatable.
    """
    from streaming.lake.migrate import migrate as bring_up_to_date

    click.echo(bring_up_to_date(settings_of(), dry_run=dry_run).summary)
