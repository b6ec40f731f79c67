"""`trafficmon cameras`."""

import json
from typing import TYPE_CHECKING

import click
from rich.table import Table

from streaming.commands.context import console, settings_of, table_or_json
from streaming.errors import ConfigError

if TYPE_CHECKING:
    from streaming.settings import Camera


@click.group()
def cameras() -> None:
    """Manage cameras at run time."""


@cameras.command("list")
@table_or_json
def cameras_list(as_: str) -> None:
    """List all cameras with their status."""
    from streaming.live_cameras import cameras_in_force

    rows = cameras_in_force(settings_of())
    if as_ == "json":
        click.echo(json.dumps([r.as_dict() for r in rows], indent=2))
        return
    table = Table("id", "name", "source", "state", "")
    for r in rows:
        table.add_row(r.id, r.name, r.source, r.status, r.error or "")
    console.print(table)


@cameras.command("add")
@click.argument("camera_id")
@click.argument("source")
@click.option("--name", default="", help="Name for operators.")
@click.option("--interval-s", type=click.FloatRange(min=0.05), help="Seconds between frames.")
@click.option("--notes", default="", help="What is normal here, for the model.")
@click.option("--priority", type=click.IntRange(0, 100), help="0 (last) to 100 (first).")
def cameras_add(
    *,
    camera_id: str,
    source: str,
    name: str,
    interval_s: float | None,
    notes: str,
    priority: int | None,
) -> None:
    """Add or change a camera, without a restart.

    Zones, privacy masks and a homography stay as the settings have them; `sync` brings them.
    """
    from streaming.kafka.cameras import announce
    from streaming.messages import CameraCommand

    checked = _checked(id=camera_id, source=source, name=name, notes=notes)
    command = CameraCommand(
        camera_id=checked.id,
        name=checked.name,
        source=checked.source,
        interval_s=interval_s,
        notes=checked.notes,
        priority=priority,
    )
    announce(settings_of().kafka, command)
    click.echo(f"camera {camera_id} announced")


@cameras.command("sync")
@click.option("--prune", is_flag=True, help="Stop cameras that the settings do not list.")
def cameras_sync(*, prune: bool) -> None:
    """Apply config/cameras.yaml to the running system, without a restart."""
    from streaming.camera_sync import differences
    from streaming.kafka.cameras import announce, announced, withdraw

    settings = settings_of()
    found = differences(settings.cameras, announced(settings.kafka))
    for command in found.announce:
        announce(settings.kafka, command)
        click.echo(f"camera {command.camera_id} announced")
    for camera_id in found.others:
        if prune:
            withdraw(settings.kafka, camera_id)
        click.echo(f"camera {camera_id} " + ("stopped" if prune else "is not in the settings"))
    if not (found.announce or found.others):
        click.echo("nothing to change")


@cameras.command("remove")
@click.argument("camera_id")
def cameras_remove(camera_id: str) -> None:
    """Stop and remove a camera, also one that config/cameras.yaml lists."""
    from streaming.kafka.cameras import withdraw

    withdraw(settings_of().kafka, camera_id)
    click.echo(f"camera {camera_id} stopped")


def _checked(**fields: str) -> "Camera":
    """The camera as the settings would take it.

    Raises:
        ConfigError: they would not.
    """
    from pydantic import ValidationError

    from streaming.settings import Camera

    try:
        return Camera.model_validate(fields)
    except ValidationError as exc:
        told = [f"{e['loc'][0] if e['loc'] else 'camera'}: {e['msg']}" for e in exc.errors()]
        raise ConfigError(told) from exc
