"""A frame's tasks as bytes. Pure; standard library and msgspec only.

A task says of its objects and its group what the detection message says of them, in the same
words. So these bytes are copied: to write them anew, number by number, took half as long again.
They were checked before, when the message was decoded.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import Raw

from streaming.errors import BadMessage
from streaming.messages import SCHEMA_VERSION, DetectionResult, encode
from streaming.messages.base import Part
from streaming.tasks.plan import Planned

_MOST_BYTES = 900_000
"""Kafka's limit; a larger message would be refused again at every attempt."""


class _Group(Part, frozen=True):
    xyxy: Raw
    spatial: Raw
    surrogate_risk: Raw


class _Copied(Part, frozen=True):
    """The parts of a detection message that its tasks repeat."""

    detections: list[Raw]
    groups: list[_Group]


class Written(Part, frozen=True):
    """`AssessmentTask` as it is written: the same fields in the same order."""

    schema_version: int
    task_id: str
    message_id: str
    camera_id: str
    group_index: int
    group_count: int
    captured_at: datetime
    created_at: datetime
    deadline_at: datetime
    priority: int
    objects: list[Raw]
    xyxy: Raw
    frame_size: tuple[int, int]
    spatial: Raw
    surrogate_risk: Raw
    image_ref: str | None


_copied = msgspec.json.Decoder(_Copied).decode
_encode = msgspec.json.Encoder().encode


def write(
    detection: DetectionResult, raw: bytes, chosen: Sequence[Planned], now: datetime
) -> tuple[bytes, ...]:
    """One task each of `chosen`, which are of `detection`, which was decoded from `raw`.

    Everything but `createdAt` (which is `now`) follows from the message and the policy alone.

    Raises:
        BadMessage: a task would be too large for Kafka.
    """
    # Fields that nobody knows are not checked for UTF-8: what is not ASCII is written anew.
    source = _copied(raw if raw.isascii() else encode(detection))
    objects, groups, frame = source.detections, source.groups, detection.frame
    message_id, camera_id = detection.message_id, detection.camera_id
    captured_at, count, size = detection.captured_at, len(chosen), (frame.width, frame.height)
    values = []
    for task in chosen:
        group, copied = task.group, groups[task.place]
        value = _encode(
            Written(
                SCHEMA_VERSION,
                task.task_id,
                message_id,
                camera_id,
                group.group_index,
                count,
                captured_at,
                now,
                task.deadline_at,
                task.priority,
                [objects[m] for m in task.members],
                copied.xyxy,
                size,
                copied.spatial,
                copied.surrogate_risk,
                group.crop_ref,
            )
        )
        if len(value) > _MOST_BYTES:
            raise BadMessage(f"task {task.task_id} would have {len(value)} bytes")
        values.append(value)
    return tuple(values)
