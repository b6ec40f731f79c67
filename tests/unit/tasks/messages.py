"""Detection messages for these tests: one by hand, and any at all by hypothesis."""

from datetime import UTC, datetime

from hypothesis import strategies as st

from streaming.messages import Detection, DetectionResult, Frame, Group, Spatial

CAPTURED = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
NOW = datetime(2026, 3, 1, 12, 0, 1, tzinfo=UTC)


BOX = (0.0, 0.0, 60.0, 50.0)


def user(object_id, name="car", box=(10.0, 10.0, 40.0, 30.0), track=None):
    return Detection(object_id, name, 2, 0.9, box, track)


def group(index, members=(0, 1), *, risk=0.5, near=None, crop=None, box=BOX, spatial=None):
    return Group(
        group_index=index,
        member_object_ids=tuple(members),
        xyxy=box,
        spatial=spatial or Spatial(1.0, 40.0, 30.0, near),
        surrogate_risk=risk,
        crop_ref=crop,
    )


def message(groups=(), users=(0, 1, 2, 3), **changes):
    fields = {
        "message_id": "0190-a",
        "camera_id": "7",
        "captured_at": CAPTURED,
        "produced_at": CAPTURED,
        "frame": Frame(1, 640, 360, "overview"),
        "detections": tuple(u if isinstance(u, Detection) else user(u) for u in users),
        "groups": tuple(groups),
        "inference_ms": 4.0,
        "model": "m",
    }
    return DetectionResult(**(fields | changes))


numbers = st.floats(-1e9, 1e9, allow_nan=False)
boxes = st.tuples(numbers, numbers, numbers, numbers)
detections = st.builds(
    Detection,
    object_id=st.integers(0, 9),
    class_name=st.sampled_from(["person", "car", "bus", "traffic light", ""]),
    class_id=st.integers(0, 80),
    confidence=st.floats(0, 1),
    xyxy=boxes,
    velocity=st.none() | st.tuples(numbers, numbers),
)
groups = st.builds(
    Group,
    group_index=st.integers(0, 5),
    member_object_ids=st.lists(st.integers(0, 9), max_size=5).map(tuple),
    xyxy=boxes,
    spatial=st.builds(
        Spatial,
        density=numbers,
        average_spacing=numbers,
        min_spacing=numbers,
        pedestrian_vehicle_min_distance=st.none() | numbers,
    ),
    surrogate_risk=numbers,
    crop_ref=st.none() | st.text(max_size=5),
)
any_message = st.builds(
    DetectionResult,
    message_id=st.text(min_size=1, max_size=8) | st.just("m" * 200),
    camera_id=st.text(min_size=1, max_size=3),
    captured_at=st.datetimes(timezones=st.just(UTC)),
    produced_at=st.datetimes(timezones=st.just(UTC)),
    frame=st.builds(
        Frame,
        sequence=st.integers(0, 2**40),
        width=st.integers(0, 8000),
        height=st.integers(0, 8000),
    ),
    detections=st.lists(detections, max_size=6).map(tuple),
    groups=st.lists(groups, max_size=4).map(tuple),
    inference_ms=numbers,
    model=st.text(max_size=5),
)
