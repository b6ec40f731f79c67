"""`trafficmon config`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape
from rich.table import Table

from streaming.commands.context import console, settings_of, table_or_json

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
    language = {"zh": "Chinese", "en": "English"}[settings.prompt.spoken]
    click.echo(
        f"{len(settings.cameras)} cameras, {len(settings.api_keys)} keys at {provider}, "
        f"descriptions in {language}"
    )


@config.command("show")
@click.argument("prefix", default="")
@click.option("--changed", is_flag=True, help="Only what is not at its default.")
@table_or_json
def config_show(*, prefix: str, changed: bool, as_: str) -> None:
    """What is in force and where it came from: all settings, or those whose name begins so.

    A wrong setting is shown as it was given, and why it is wrong; exit code 1 if there is one.
    """
    from streaming.settings import every_setting

    found, problems = every_setting()
    shown = [
        s for s in found if s.name.startswith(prefix) and (s.source != "default" or not changed)
    ]
    if as_ == "json":
        click.echo(json.dumps([s.as_dict() for s in shown], indent=2, ensure_ascii=False))
    else:
        table = Table("setting", "value", "from", box=None)
        for s in shown:
            table.add_row(
                *map(escape, (s.name, s.value, s.where)), style="red" if s.problem else ""
            )
        console.print(table if shown else f"no setting begins with {escape(prefix)}")
    for problem in problems:
        click.echo(f"ConfigError: {problem}", err=True)
    raise click.exceptions.Exit(0 if shown and not problems else 1)


def _missing_files(settings: "Settings") -> list[str]:
    """Cameras whose file or folder is not there. No error at a daemon's start: a disk may come."""
    from streaming.detection.sources.address import kind_of, local_path

    return [
        f"cameras[{index}].source: no file or folder {path}"
        for index, camera in enumerate(settings.cameras)
        if camera.enabled and kind_of(camera.source) == "path"
        if not (path := Path(local_path(camera.source)).expanduser()).exists()
    ]
