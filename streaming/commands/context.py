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


def settings_of() -> "Settings":
    """The settings in force."""
    from streaming.settings import load

    return load()


def settings_to_start_with() -> "Settings":
    """The same for a whole system: writes config/ if there is none, says what is overridden."""
    from streaming.settings import templates

    if folder := templates.provide():
        click.echo(f"Written: {folder}/ with four synthetic cameras; edit it as you like", err=True)
    settings = settings_of()
    for warning in settings.warnings:
        click.echo(f"warning: {warning}", err=True)
    return settings
