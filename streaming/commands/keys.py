"""`trafficmon keys`."""

import json

import click
from rich.table import Table

from streaming.commands.context import console, settings_of, table_or_json


@click.group()
def keys() -> None:
    """Provider keys."""


@keys.command("verify")
@table_or_json
def keys_verify(as_: str) -> None:
    """Check every enabled key against the provider; exit code 1 if one fails."""
    from streaming.scheduling.keys_verify import verify

    checks = verify(settings_of())
    if as_ == "json":
        click.echo(json.dumps([c.as_dict() for c in checks], indent=2))
    else:
        table = Table("key", "valid", "latency", "error")
        for c in checks:
            latency = "" if c.latency_ms is None else f"{c.latency_ms:.0f} ms"
            table.add_row(c.key_id, "yes" if c.valid else "NO", latency, c.error or "")
        console.print(table)
    raise click.exceptions.Exit(0 if checks and all(c.valid for c in checks) else 1)
