"""`trafficmon notify`."""

import click
from rich.table import Table

from streaming.commands.context import console, settings_of


@click.group()
def notify() -> None:
    """Test the notification channels."""


@notify.command("test")
@click.option("--channel", help="Only the channel of this name, or of this type.")
def notify_test(*, channel: str | None) -> None:
    """Send a test message through every enabled channel; exit code 1 if one fails."""
    from datetime import UTC, datetime

    from streaming.notify import a_test, deliver
    from streaming.settings.serving import http_address

    settings = settings_of()
    enabled = [c for c in settings.alerts.notification_channels if c.enabled]
    chosen = [c for c in enabled if channel in (None, c.shown, c.type)]
    if not chosen:
        known = ", ".join(c.shown for c in enabled) or "none is enabled"
        which = "no channel" if channel is None else f"no channel {channel}"
        click.echo(f"{which} (alerts.notification_channels in monitoring.yaml): {known}", err=True)
        raise click.exceptions.Exit(1)
    wall = http_address(settings.serving.host, settings.serving.api.port)
    link = settings.alerts.wall_url or wall
    deliveries = deliver(chosen, [a_test(datetime.now(UTC), link)])
    table = Table("channel", "type", "sent", "tries", "took", "error")
    for d in deliveries:
        sent = "yes" if d.delivered else "NO"
        table.add_row(d.channel, d.kind, sent, str(d.tries), f"{d.took_s:.1f} s", d.error or "")
    console.print(table)
    raise click.exceptions.Exit(0 if all(d.delivered for d in deliveries) else 1)
