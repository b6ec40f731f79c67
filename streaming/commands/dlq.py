"""`trafficmon dlq`."""

import click
from rich.table import Table

from streaming.commands.context import console, settings_of


@click.group()
def dlq() -> None:
    """Handle dead letters: messages that could not be read."""


@dlq.command("list")
def dlq_list() -> None:
    """List all dead letters."""
    from streaming.kafka.dlq import letters

    table = Table("place", "stage", "failed at", "error")
    for found in letters(settings_of().kafka):
        reason = found.reason
        table.add_row(
            found.place, reason.get("stage"), reason.get("failed-at"), reason.get("error")
        )
    console.print(table if table.row_count else "no dead letters")


@dlq.command("show")
@click.argument("place")
def dlq_show(place: str) -> None:
    """Show a dead letter with its reason; PLACE as `dlq list` prints it."""
    from streaming.kafka.dlq import letter

    found = letter(settings_of().kafka, place)
    for name, value in found.reason.items():
        click.echo(f"{name}: {value}")
    click.echo(found.value.decode(errors="backslashreplace"))


@dlq.command("replay")
@click.argument("place", required=False)
@click.option("--all", "everything", is_flag=True, help="Every dead letter.")
def dlq_replay(place: str | None, everything: bool) -> None:
    """Send one or all dead letters back to the topic that they came from."""
    from streaming.kafka.dlq import letter, letters, replay

    if bool(place) == everything:
        raise click.UsageError("name one PLACE, or --all")
    kafka = settings_of().kafka
    chosen = list(letters(kafka)) if place is None else [letter(kafka, place)]
    arrived = replay(kafka, chosen)
    click.echo(f"{arrived} of {len(chosen)} sent back")
    raise click.exceptions.Exit(0 if arrived == len(chosen) else 1)
