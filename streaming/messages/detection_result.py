"""detection-results: what one frame of one camera shows."""

from streaming.messages.base import BBox, Count, Id, Int32, Int64, Message, Number, Part, Timestamp


class Frame(Part, frozen=True):
    """The frame itself: its number since the worker opened the camera, its size in pixels."""

    sequence: Int64
    width: Count
    height: Count
    image_ref: str | None = None


class Detection(Part, frozen=True):
    """One road user: `xyxy` in pixels of the frame, `velocity` in pixels a second."""

    object_id: Int32
    class_name: str
    class_id: Int32
    confidence: Number
    xyxy: BBox
    track_id: Int64 | None = None
    velocity: tuple[Number, Number] | None = None


class Spatial(Part, frozen=True):
    """How a group stands: distances in pixels between box centres, density in users per 10,000 px².

    `pedestrian_vehicle_min_distance` is None where the group lacks one of the two.
    """

    density: Number
    average_spacing: Number
    min_spacing: Number
    pedestrian_vehicle_min_distance: Number | None = None
    time_to_collision_s: Number | None = None


class Group(Part, frozen=True):
    """Road users close to each other; `xyxy` in pixels, crop margin included."""

    group_index: Count
    member_object_ids: tuple[Int32, ...]
    xyxy: BBox
    spatial: Spatial
    surrogate_risk: Number
    crop_ref: str | None = None


class DetectionResult(Message, frozen=True, kw_only=True):
    """One frame's detections and groups; key on the wire: cameraId."""

    message_id: Id
    camera_id: Id
    captured_at: Timestamp
    produced_at: Timestamp
    frame: Frame
    detections: tuple[Detection, ...]
    groups: tuple[Group, ...]
    inference_ms: Number
    model: str
