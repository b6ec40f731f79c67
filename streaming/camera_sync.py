"""What camera-control lacks of the settings' cameras. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from streaming.messages import CameraCommand
from streaming.settings import Camera


@dataclass(frozen=True, slots=True)
class Differences:
    """Commands to announce, and ids of cameras that run by command alone."""

    announce: tuple[CameraCommand, ...]
    others: tuple[str, ...]


def differences(
    cameras: Iterable[Camera], announced: Mapping[str, CameraCommand | None]
) -> Differences:
    """What makes camera-control say of each configured camera what the settings say."""
    wanted = {c.id: command_of(c) for c in cameras}
    changed = tuple(c for c in wanted.values() if announced.get(c.camera_id) != c)
    running = {i for i, command in announced.items() if command is not None and command.enabled}
    return Differences(changed, tuple(sorted(running - wanted.keys())))


def command_of(camera: Camera) -> CameraCommand:
    """The whole camera as a command: nothing is left out, so nothing falls back to a file."""
    return CameraCommand(
        camera_id=camera.id,
        name=camera.name,
        source=camera.source,
        enabled=camera.enabled,
        interval_s=camera.interval_s,
        notes=camera.notes,
        priority=camera.priority,
        zones=tuple(zone.as_message() for zone in camera.zones),
        privacy_masks=camera.privacy_masks,
        homography=camera.homography.as_message() if camera.homography else None,
    )
