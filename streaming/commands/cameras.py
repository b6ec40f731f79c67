"""`trafficmon cameras`."""

import json

import click
from rich.table import Table

from streaming.commands.context import console, settings_of, table_or_json


@click.group()
def cameras() -> None:
    """Cameras, while the system runs."""


@cameras.command("list")
@table_or_json
def cameras_list(as_: str) -> None:
    """Every configured or announced camera and how it is."""
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
@click.option("--name", default="", help="What operators call it.")
@click.option("--interval-s", type=click.FloatRange(min=0.05), help="Seconds between frames.")
@click.option("--notes", default="", help="What is normal here; the model is told.")
def cameras_add(
    camera_id: str, source: str, name: str, interval_s: float | None, notes: str
) -> None:
    """Run a camera from now on, or change one; no restart."""
    from streaming.kafka.cameras import announce
    from streaming.messages import CameraCommand

    command = CameraCommand(
        camera_id=camera_id,
        name=name or f"Camera {camera_id}",
        source=source,
        interval_s=interval_s,
        notes=notes,
    )
    announce(settings_of().kafka, command)
    click.echo(f"camera {camera_id} announced")


@cameras.command("remove")
@click.argument("camera_id")
def cameras_remove(camera_id: str) -> None:
    """Stop a camera, also one that config/cameras.yaml names."""
    from streaming.kafka.cameras import withdraw

    withdraw(settings_of().kafka, camera_id)
    click.echo(f"camera {camera_id} stopped")
