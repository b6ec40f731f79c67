"""Detection messages for the benchmark of task generation: 1.45 kB, eight objects, two groups."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from streaming.messages import Detection, DetectionResult, Frame, Group, Spatial, encode

CAMERAS = 50
INTERVAL_S = 1.8
_TEMPLATES = 500
_NAMES = ("person", "car", "car", "car", "truck", "bus", "bicycle", "motorcycle")
_MESSAGE_ID, _CAMERA_ID = b"{message-id-of-thirty-six-characters}", b"{camera}"
_CAPTURED_AT = b"2000-01-01T00:00:00.500000Z"
_ABSENT = (b',"trackId":null', b',"velocity":null', b',"timeToCollisionS":null')


def messages(count: int, prefix: str, first_at: datetime) -> Iterator[tuple[bytes, bytes]]:
    """(key, value) of frames of 50 cameras, 1.8 s apart for each, in the order of capture.

    Road users are somewhere else in every frame of a camera, so that each group is a task.
    """
    templates = [_template(Random(seed)) for seed in range(_TEMPLATES)]  # noqa: S311 - seeded
    for number in range(count):
        camera = number % CAMERAS
        at = first_at + timedelta(seconds=INTERVAL_S * (number // CAMERAS) + 0.03 * camera)
        template = templates[(number // CAMERAS * 37 + camera) % _TEMPLATES]
        key = b"%d" % camera
        value = (
            template.replace(_MESSAGE_ID, b"%s-%012d" % (prefix.encode(), number))
            .replace(_CAMERA_ID, key)
            .replace(_CAPTURED_AT, at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode())
        )
        yield key, value


def _template(rng: Random) -> bytes:
    at = datetime(2000, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)
    users = tuple(_user(rng, number) for number in range(8))
    raw = encode(
        DetectionResult(
            message_id=_MESSAGE_ID.decode(),
            camera_id=_CAMERA_ID.decode(),
            captured_at=at,
            produced_at=at + timedelta(milliseconds=40),
            frame=Frame(rng.randrange(10_000), 640, 360, f"{rng.getrandbits(64):016x}"),
            detections=users,
            groups=(_group(rng, 0, users[:4]), _group(rng, 1, users[4:])),
            inference_ms=4.1,
            model="builtin",
        )
    )
    # What is absent may be left out, and then the message has the size that was asked for.
    for absent in _ABSENT:
        raw = raw.replace(absent, b"")
    return raw


def _user(rng: Random, number: int) -> Detection:
    left, top = round(rng.uniform(0, 560), 1), round(rng.uniform(0, 300), 1)
    right, bottom = round(left + rng.uniform(15, 80), 1), round(top + rng.uniform(15, 60), 1)
    name = rng.choice(_NAMES)
    confidence = round(rng.uniform(0.35, 0.99), 2)
    return Detection(number, name, 2, confidence, (left, top, right, bottom))


def _group(rng: Random, index: int, members: tuple[Detection, ...]) -> Group:
    boxes = [m.xyxy for m in members]
    return Group(
        group_index=index,
        member_object_ids=tuple(m.object_id for m in members),
        xyxy=(
            min(b[0] for b in boxes),
            min(b[1] for b in boxes),
            max(b[2] for b in boxes),
            max(b[3] for b in boxes),
        ),
        spatial=Spatial(
            density=round(rng.uniform(0.5, 3), 2),
            average_spacing=round(rng.uniform(60, 140), 1),
            min_spacing=round(rng.uniform(20, 60), 1),
        ),
        surrogate_risk=round(rng.uniform(0.1, 0.9), 3),
        crop_ref=f"{rng.getrandbits(64):016x}",
    )
