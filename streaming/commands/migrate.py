"""`trafficmon migrate`."""

import click

from streaming.commands.context import settings_of


@click.command()
@click.option("--dry-run", is_flag=True, help="Only tell what would be done.")
def migrate(*, dry_run: bool) -> None:
    """Bring a lake of an earlier version up to date; its catalog is backed up first.

    Ingestion does the same by itself. Safe at any time, again and again.
    """
    from streaming.lake.migrate import migrate as bring_up_to_date

    click.echo(bring_up_to_date(settings_of(), dry_run=dry_run).summary)
