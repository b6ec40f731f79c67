"""One detection message to the bytes that follow from it: what the worker and Flink share. Pure.

Standard library and msgspec only.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from streaming.messages import DetectionResult, SkippedGroup, SkippedGroups, encode
from streaming.tasks.gate import CameraState, GatePolicy, gate
from streaming.tasks.plan import PlanPolicy, plan
from streaming.tasks.write import write

SOURCE_HEADER = "source"
"""Partition and offset of the detection that a task comes from, as `3:1042`."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Turn groups into tasks, and decide which groups get one."""

    plan: PlanPolicy = field(default_factory=PlanPolicy)
    gate: GatePolicy = field(default_factory=GatePolicy)


class Decided(NamedTuple):
    """A message's tasks as bytes (key: its messageId), the notice about what was left out as
    bytes (key: its cameraId) or None, the groups left out, and its camera's state after it."""

    tasks: tuple[bytes, ...]
    notice: bytes | None
    skipped: tuple[SkippedGroup, ...]
    state: CameraState


def decide(
    detection: DetectionResult, raw: bytes, policy: Policy, state: CameraState, now: datetime
) -> Decided:
    """Plan, gate, write. `raw` is what `detection` was decoded from; `state` is what the
    message's camera has sent.

    Raises:
        BadMessage: the message contradicts itself, or a task would be too large for Kafka.
    """
    planned = plan(detection, policy.plan)
    if not planned:
        return Decided((), None, (), state)
    chosen, skipped, after = gate(state, detection, planned, now, policy.gate)
    values = write(detection, raw, chosen, now) if chosen else ()
    return Decided(values, _notice(detection, skipped) if skipped else None, skipped, after)


def source_header(partition: int, offset: int) -> tuple[str, bytes]:
    """Where a task comes from."""
    return SOURCE_HEADER, b"%d:%d" % (partition, offset)


def source_of(header: bytes) -> tuple[int, int]:
    """Partition and offset that `source_header` wrote.

    Raises:
        ValueError: it is something else.
    """
    partition, offset = header.split(b":")
    return int(partition), int(offset)


def _notice(detection: DetectionResult, skipped: tuple[SkippedGroup, ...]) -> bytes:
    return encode(
        SkippedGroups(
            message_id=detection.message_id,
            camera_id=detection.camera_id,
            captured_at=detection.captured_at,
            group_count=len(detection.groups),
            skipped=skipped,
        )
    )
