"""camera-control: which cameras are to run. Compacted; an empty value (tombstone) stops one."""

from streaming.messages.base import Id, Message, Number


class CameraCommand(Message, frozen=True, kw_only=True):
    """Run this camera with these settings; key on the wire: cameraId."""

    camera_id: Id
    name: str
    source: str
    enabled: bool = True
    interval_s: Number | None = None
    notes: str = ""
