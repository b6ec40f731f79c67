"""`trafficmon config`."""

import click

from streaming.commands.context import settings_of


@click.group()
def config() -> None:
    """Settings."""


@config.command("check")
def config_check() -> None:
    """Read every setting, list every problem; exit code 1 if there is one."""
    from streaming.settings import problems

    found = problems()
    for problem in found:
        click.echo(f"ConfigError: {problem}", err=True)
    if found:
        raise click.exceptions.Exit(1)
    settings = settings_of()
    provider = "the embedded simulator" if settings.simulated else settings.provider.base_url
    click.echo(f"{len(settings.cameras)} cameras, {len(settings.api_keys)} keys at {provider}")
