"""What `trafficmon up` and `status` say of the programs that run here."""

import json
from typing import TYPE_CHECKING

import click
from rich.table import Table

from streaming.commands.context import console
from streaming.errors import TrafficmonError

if TYPE_CHECKING:
    from streaming.settings import Settings


def bring_up(settings: "Settings", timeout_s: float) -> int:
    """Start everything and wait until it is ready; 1 if something is not in time."""
    from streaming import supervision
    from streaming.settings.serving import http_address, is_loopback

    settings = supervision.up(settings, None, console.print)
    late = supervision.wait_ready(settings, console.print, timeout_s)
    for line in _cameras_without_frames(settings):
        click.echo(line, err=True)
    for program in late:
        log = settings.logs_dir / f"{program.name}.out.log"
        click.echo(
            f"{program.name} is not ready after {timeout_s:g} s: {program.reason}; see {log}",
            err=True,
        )
    serving, dagster = settings.serving, settings.serving.dagster
    reach = "only this machine reaches it" if is_loopback(dagster.host) else "others reach it"
    console.print(f"live wall  {http_address(serving.host, serving.api.port)}/")
    here = http_address(dagster.host, dagster.port)
    console.print(f"Dagster    {here}/  has no login; {reach}", soft_wrap=True)
    return 1 if late else 0


def show_status(settings: "Settings", as_: str) -> int:
    """What runs, and whether it is ready; 1 unless all of it is."""
    from streaming import supervision

    states = supervision.status(settings)
    late = {u.name: u.reason for u in supervision.unready(settings, states)}
    if as_ == "json":
        told = [s.as_dict() | {"ready": s.name not in late} for s in states]
        click.echo(json.dumps(told, indent=2))
    else:
        table = Table("daemon", "state", "pid", "up", "ready", "")
        for s in states:
            ready = "no" if s.name in late else "yes"
            up = f"{s.uptime_s:.0f} s"
            table.add_row(s.name, s.state, str(s.pid or ""), up, ready, late.get(s.name, ""))
        console.print(table if states else "nothing runs; `trafficmon up` starts it")
    return 0 if states and not late else 1


def _cameras_without_frames(settings: "Settings") -> list[str]:
    from streaming.live_cameras import cameras_in_force

    try:
        cameras = cameras_in_force(settings)
    except TrafficmonError as exc:
        return [f"cameras: unknown: {exc}"]
    return [
        f"camera {camera.id} ({camera.name}) is {camera.status}: {camera.error or 'no frame yet'}"
        for camera in cameras
        if camera.status in ("offline", "degraded", "opening", "unknown")
    ]
