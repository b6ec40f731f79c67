"""camera-control: which cameras are to run. Compacted; an empty value (tombstone) stops one."""

from typing import Annotated

import msgspec

from streaming.messages.base import Id, Message, Number
from streaming.messages.camera_places import Homography, Polygon, Zone, check_polygon


class CameraCommand(Message, frozen=True, kw_only=True):
    """Run this camera with these settings; key on the wire: cameraId.

    What is left out (null) of the last four stays as config/cameras.yaml has it for this camera,
    so that a new address does not lift a privacy mask.
    """

    camera_id: Id
    name: str
    source: str
    enabled: bool = True
    interval_s: Number | None = None
    notes: str = ""
    priority: Annotated[int, msgspec.Meta(ge=0, le=100)] | None = None
    zones: Annotated[tuple[Zone, ...], msgspec.Meta(max_length=64)] | None = None
    privacy_masks: Annotated[tuple[Polygon, ...], msgspec.Meta(max_length=64)] | None = None
    homography: Homography | None = None

    def __post_init__(self) -> None:
        for mask in self.privacy_masks or ():
            check_polygon(mask)
