"""What every command shares: the terminal, and the settings in force."""

from typing import TYPE_CHECKING

import click
from rich.console import Console

if TYPE_CHECKING:
    from streaming.settings import Settings

console = Console()

table_or_json = click.option(
    "--format", "as_", type=click.Choice(["table", "json"]), default="table", show_default=True
)


def settings_of(*, say_warnings: bool = False) -> "Settings":
    """The settings in force; with `say_warnings`, what our guarantees override is said."""
    from streaming.settings import load

    settings = load()
    if say_warnings:
        for warning in settings.warnings:
            click.echo(f"warning: {warning}", err=True)
    return settings
