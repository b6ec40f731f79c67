"""detection-results: what one frame of one camera shows."""

from msgspec import UNSET, UnsetType

from streaming.messages.base import BBox, Count, Id, Int32, Int64, Message, Number, Part, Timestamp


class Frame(Part, frozen=True):
    """The frame itself: its number since the worker opened the camera, its size in pixels.

    `due_at` is when it was to be taken: a camera that stalls is late from then on, not from the
    moment at which it went on.
    """

    sequence: Int64
    width: Count
    height: Count
    image_ref: str | None = None
    due_at: Timestamp | UnsetType = UNSET


class Motion(Part, frozen=True, omit_defaults=True):
    """What only a homography or zones can tell of a tracked road user.

    `position_m` is where it stands on the ground; `zone` the name of the zone it is in;
    `stopped_s` for how long it has stood where nobody should.
    """

    speed_kmh: Number | None = None
    position_m: tuple[Number, Number] | None = None
    zone: str | None = None
    wrong_way: bool = False
    stopped_s: Number | None = None


class Detection(Part, frozen=True):
    """One road user: `xyxy` in pixels of the frame, `velocity` in pixels a second."""

    object_id: Int32
    class_name: str
    class_id: Int32
    confidence: Number
    xyxy: BBox
    track_id: Int64 | None = None
    velocity: tuple[Number, Number] | None = None
    motion: Motion | UnsetType = UNSET


class WorstPair(Part, frozen=True, omit_defaults=True):
    """The two members of a group that its surrogate risk comes from, where both are tracked.

    `post_encroachment_s`: how long after the one left a place the other came there;
    `time_gap_s`: how far behind the one in front the other drives. Metres and km/h only with a
    homography; `closing_kmh` is negative where they draw apart.
    """

    object_ids: tuple[Int32, Int32]
    time_to_collision_s: Number | None = None
    time_gap_s: Number | None = None
    post_encroachment_s: Number | None = None
    distance_m: Number | None = None
    closing_kmh: Number | None = None


class Spatial(Part, frozen=True):
    """How a group stands: distances in pixels between box centres, density in users per 10,000 px².

    `pedestrian_vehicle_min_distance` is None where the group lacks one of the two,
    `time_to_collision_s` where no two members collide within 5 s at constant velocity.
    """

    density: Number
    average_spacing: Number
    min_spacing: Number
    pedestrian_vehicle_min_distance: Number | None = None
    time_to_collision_s: Number | None = None
    worst_pair: WorstPair | UnsetType = UNSET


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
