"""`trafficmon config`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from streaming.commands.context import settings_of

if TYPE_CHECKING:
    from streaming.settings import Settings


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
    missing = _missing_files(settings)
    for problem in missing:
        click.echo(f"ConfigError: {problem}", err=True)
    if missing:
        raise click.exceptions.Exit(1)
    for warning in settings.warnings:
        click.echo(f"warning: {warning}", err=True)
    provider = "the embedded simulator" if settings.simulated else settings.provider.base_url
    click.echo(f"{len(settings.cameras)} cameras, {len(settings.api_keys)} keys at {provider}")


def _missing_files(settings: "Settings") -> list[str]:
    """Cameras whose file or folder is not there. No error at a daemon's start: a disk may come."""
    from streaming.detection.sources.address import kind_of, local_path

    return [
        f"cameras[{index}].source: no file or folder {path}"
        for index, camera in enumerate(settings.cameras)
        if camera.enabled and kind_of(camera.source) == "path"
        if not (path := Path(local_path(camera.source)).expanduser()).exists()
    ]
