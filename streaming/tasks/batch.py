"""A batch of consumed messages to what one transaction writes. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from streaming.errors import BadMessage
from streaming.messages import HEADERS, DetectionResult, decode, encode
from streaming.tasks.plan import PlanPolicy, plan
from streaming.tracing import HEADER, next_traceparent

_MOST_BYTES = 900_000
"""Kafka refuses messages over 1 MB, and would again at every new attempt."""

Headers = list[tuple[str, bytes]]


class Consumed(Protocol):
    """What is read of a consumed message; `confluent_kafka.Message` is one."""

    def topic(self) -> str | None: ...
    def partition(self) -> int | None: ...
    def offset(self) -> int | None: ...
    def key(self) -> bytes | None: ...
    def value(self) -> bytes | None: ...
    def headers(self) -> list[tuple[str, bytes]] | None: ...


@dataclass(frozen=True, slots=True)
class PlannedTask:
    """A task ready to be sent: key messageId."""

    key: bytes
    value: bytes
    headers: Headers


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction writes: tasks, dead letters with their reasons, next offsets."""

    tasks: list[PlannedTask] = field(default_factory=list)
    dead: list[tuple[Consumed, BadMessage]] = field(default_factory=list)
    next_offsets: dict[int, int] = field(default_factory=dict)


def plan_batch(records: Iterable[Consumed], policy: PlanPolicy, now: datetime) -> Batch:
    """Every record either planned or dead-lettered; the offsets go past all of them."""
    batch = Batch()
    for record in records:
        partition, offset = record.partition() or 0, record.offset() or 0
        batch.next_offsets[partition] = max(batch.next_offsets.get(partition, 0), offset + 1)
        try:
            batch.tasks.extend(_planned(record, policy, now))
        except BadMessage as exc:
            batch.dead.append((record, exc))
    return batch


def _planned(record: Consumed, policy: PlanPolicy, now: datetime) -> list[PlannedTask]:
    value = record.value()
    if value is None:
        raise BadMessage("the message is empty")
    tasks = plan(decode(value, DetectionResult), policy, now)
    if not tasks:
        return []
    parent = next((v for name, v in record.headers() or () if name == HEADER), None)
    headers = [*HEADERS, (HEADER, next_traceparent(parent))]
    planned = []
    for task in tasks:
        value = encode(task)
        if len(value) > _MOST_BYTES:
            raise BadMessage(f"task {task.task_id} would have {len(value)} bytes")
        planned.append(PlannedTask(task.message_id.encode(), value, headers))
    return planned
