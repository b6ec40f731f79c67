"""Which cameras are to run: the settings' own, changed by camera-control. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from streaming.messages import CameraCommand, Homography, Polygon, Zone
from streaming.settings import Camera

_SHORTEST_INTERVAL_S = 0.02
_PRIORITY = 50


@dataclass(frozen=True, slots=True)
class CameraSpec:
    """One camera to run; a changed spec means a new start.

    Zones, masks and homography are in fractions of the frame, see streaming.messages.camera_places.
    """

    id: str
    name: str
    source: str
    interval_s: float
    priority: int = _PRIORITY
    zones: tuple[Zone, ...] = ()
    privacy_masks: tuple[Polygon, ...] = ()
    homography: Homography | None = None


def roster(
    cameras: Sequence[Camera],
    commands: Mapping[str, CameraCommand | None],
    default_interval_s: float,
) -> dict[str, CameraSpec]:
    """Camera id to spec. A command wins over the settings; None (a tombstone) stops a camera.

    What a command leaves out of priority, zones, masks and homography is taken from the settings,
    those of a camera that is not enabled too.
    """
    configured = {c.id: spec_of(c, default_interval_s) for c in cameras}
    wanted = {c.id: configured[c.id] for c in cameras if c.enabled}
    for camera_id, command in commands.items():
        if command is None or not command.enabled:
            wanted.pop(camera_id, None)
        else:
            wanted[camera_id] = commanded(command, configured.get(camera_id), default_interval_s)
    return wanted


def spec_of(camera: Camera, default_interval_s: float) -> CameraSpec:
    """A camera of the settings."""
    return CameraSpec(
        id=camera.id,
        name=camera.name,
        source=camera.source,
        interval_s=camera.interval_s or default_interval_s,
        priority=camera.priority,
        zones=tuple(zone.as_message() for zone in camera.zones),
        privacy_masks=camera.privacy_masks,
        homography=camera.homography.as_message() if camera.homography else None,
    )


def commanded(
    command: CameraCommand, configured: CameraSpec | None, default_interval_s: float
) -> CameraSpec:
    """A camera of camera-control, over what the settings say of it."""
    under = configured or CameraSpec(command.camera_id, command.name, command.source, 0.0)
    interval_s = command.interval_s or default_interval_s
    return CameraSpec(
        id=command.camera_id,
        name=command.name,
        source=command.source,
        interval_s=max(_SHORTEST_INTERVAL_S, interval_s),
        priority=under.priority if command.priority is None else command.priority,
        zones=under.zones if command.zones is None else command.zones,
        privacy_masks=(
            under.privacy_masks if command.privacy_masks is None else command.privacy_masks
        ),
        homography=command.homography or under.homography,
    )
