"""Which cameras are to run: the settings' own, changed by camera-control. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from streaming.messages import CameraCommand
from streaming.settings import Camera

_SHORTEST_INTERVAL_S = 0.02


@dataclass(frozen=True, slots=True)
class CameraSpec:
    """One camera to run; a changed spec means a new start."""

    id: str
    name: str
    source: str
    interval_s: float


def roster(
    cameras: Iterable[Camera],
    commands: Mapping[str, CameraCommand | None],
    default_interval_s: float,
) -> dict[str, CameraSpec]:
    """Camera id to spec. A command wins over the settings; None (a tombstone) stops a camera."""
    wanted = {
        c.id: CameraSpec(c.id, c.name, c.source, c.interval_s or default_interval_s)
        for c in cameras
        if c.enabled
    }
    for camera_id, command in commands.items():
        if command is None or not command.enabled:
            wanted.pop(camera_id, None)
        else:
            interval_s = command.interval_s or default_interval_s
            wanted[camera_id] = CameraSpec(
                id=camera_id,
                name=command.name,
                source=command.source,
                interval_s=max(_SHORTEST_INTERVAL_S, interval_s),
            )
    return wanted
