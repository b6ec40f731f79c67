"""A batch of consumed messages to what one transaction writes. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from streaming.errors import BadMessage
from streaming.messages import HEADERS, DetectionResult, decode
from streaming.tasks.decide import Policy, decide, source_header
from streaming.tasks.gate import CameraState
from streaming.tracing import HEADER, next_traceparent

Headers = list[tuple[str, bytes]]
Cameras = Mapping[str, CameraState]
"""What the cameras of one partition have sent, by camera id."""

_NOTHING: Cameras = {}


class Consumed(Protocol):
    """What is read of a consumed message; `confluent_kafka.Message` is one."""

    def topic(self) -> str | None: ...
    def partition(self) -> int | None: ...
    def offset(self) -> int | None: ...
    def key(self) -> bytes | None: ...
    def value(self) -> bytes | None: ...
    def headers(self) -> list[tuple[str, bytes]] | None: ...


Outgoing = tuple[bytes, bytes, Headers]
"""Key, value and headers of a message to be sent."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What a transaction writes: tasks, notices of skipped groups, dead letters with reasons."""

    tasks: list[Outgoing] = field(default_factory=list)
    notices: list[Outgoing] = field(default_factory=list)
    dead: list[tuple[Consumed, BadMessage]] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    """Groups skipped, by reason."""


def plan_batch(
    records: Iterable[Consumed],
    policy: Policy,
    now: datetime,
    before: Mapping[int, Cameras],
    after: dict[int, dict[str, CameraState]],
) -> Batch:
    """Every record planned or dead-lettered, in order.

    What the gate remembers is looked up in `after`, then in `before`, by partition, and noted
    in `after`: a transaction that is undone has decided nothing.
    """
    batch = Batch()
    tasks = batch.tasks
    for record in records:
        raw = record.value() or b""
        try:
            detection = decode(raw, DetectionResult)
            if not detection.groups:
                continue
            partition, camera_id = record.partition() or 0, detection.camera_id
            states = after.setdefault(partition, {})
            state = states.get(camera_id)
            if state is None:
                state = before.get(partition, _NOTHING).get(camera_id, ())
            decided = decide(detection, raw, policy, state, now)
        except BadMessage as exc:
            batch.dead.append((record, exc))
            continue
        states[camera_id] = decided.state
        headers = _headers(record, partition)
        key = detection.message_id.encode()
        for task in decided.tasks:
            tasks.append((key, task, headers))
        if decided.notice is not None:
            batch.notices.append((camera_id.encode(), decided.notice, headers))
            batch.skipped.update([s.reason for s in decided.skipped])
    return batch


def next_offsets(records: Iterable[Consumed]) -> dict[int, int]:
    """By partition, the offset after its last record; records in the order of consumption."""
    return {record.partition() or 0: (record.offset() or 0) + 1 for record in records}


def _headers(record: Consumed, partition: int) -> Headers:
    given = record.headers()
    parent = next((value for name, value in given if name == HEADER), None) if given else None
    return [
        *HEADERS,
        (HEADER, next_traceparent(parent)),
        source_header(partition, record.offset() or 0),
    ]
