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
    """Check every enabled key against the provider; exit code 1 if one fails.

    Each is asked for one token. Where the answers tell about accounts and limits, they are
    compared with what api_keys.yaml says.
    """
    from streaming.scheduling.keys_verify import verify

    checks = verify(settings_of())
    if as_ == "json":
        click.echo(json.dumps([c.as_dict() for c in checks], indent=2, ensure_ascii=False))
    elif checks:
        table = Table("key", "valid", "latency", "account", "error", "what to do")
        for c in checks:
            latency = "" if c.latency_ms is None else f"{c.latency_ms:.0f} ms"
            valid = "yes" if c.valid else "NO"
            table.add_row(c.key_id, valid, latency, c.account_shown, c.error or "", c.advice or "")
        console.print(table)
        for warning in dict.fromkeys(w for c in checks for w in c.warnings):
            click.echo(f"warning: {warning}", err=True)
    else:
        click.echo("no key is enabled (api_keys in api_keys.yaml)", err=True)
    raise click.exceptions.Exit(0 if checks and all(c.valid for c in checks) else 1)
