"""Rebuild the gate's state for a new owner of a partition, from the tasks already sent.

The offsets that a transaction commits carry a mark: the time of the oldest task that the gate
still remembers for that partition. Whoever reads the partition next reads assessment-tasks from
there, and so has the very state that its predecessor had at that offset.
"""

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from streaming.errors import BadMessage
from streaming.kafka import admin
from streaming.kafka.clients import reader
from streaming.kafka.dead_letters import dlq_topic
from streaming.messages import AssessmentTask, decode
from streaming.settings import KafkaSettings
from streaming.tasks.decide import SOURCE_HEADER, source_of
from streaming.tasks.gate import CameraState, GatePolicy, Sent, remember, sent

log = logging.getLogger(__name__)

States = dict[int, dict[str, CameraState]]
"""By partition of detection-results, then by camera id."""

_MARK = "gate:"
_STAGE = b"tasks"
_SKEW_S = 10.0
"""How far the clocks of two workers may be apart."""
_OFFSETS_TIMEOUT_S = 10.0
_GIVE_UP_S = 40.0
"""A transaction that a killed worker left open hides what follows it for up to 30 s."""
_PARTITION_EOF = KafkaError._PARTITION_EOF  # noqa: SLF001  (it has no public name)


def mark(cameras: Mapping[str, CameraState]) -> str:
    """For an offset's metadata: since when (ms) tasks matter to this partition's cameras."""
    oldest_s = min((state[0].created_s for state in cameras.values() if state), default=None)
    return _MARK if oldest_s is None else f"{_MARK}{int((oldest_s - _SKEW_S) * 1000)}"


@dataclass(frozen=True, slots=True)
class Start:
    """Where a partition is read from: its committed offset (negative: none yet) with its
    metadata, and when (ms) the first message that was read there was written."""

    partition: int
    offset: int
    metadata: str
    first_ms: int

    @property
    def marked(self) -> bool:
        """False where Flink committed the offset, or a version before the gate."""
        return self.metadata.startswith(_MARK)

    def since_ms(self, policy: GatePolicy) -> int | None:
        """From when on tasks are to be read again; None: none matter."""
        if self.offset < 0:
            # Flink may have stopped before it committed any; what is older is of no message here.
            return self.first_ms
        if not self.marked:
            return self.first_ms - int(2_000 * max(60.0, policy.repeat_after_s))
        noted = self.metadata.removeprefix(_MARK)
        return int(noted) if noted else None


def starts(
    kafka: KafkaSettings, places: Sequence[TopicPartition], first_ms: Mapping[int, int]
) -> list[Start]:
    """Of partitions of detection-results with what is committed of each; `first_ms` of those
    whose first message was read.

    All that can be said is said at once: else a new group with a backlog would read its own tasks
    again for every partition that it comes to. Flink's partitions wait for their first message.

    Raises:
        KafkaUnreachable: no broker answers.
    """
    unread = [p.partition for p in places if p.offset < 0 and p.partition not in first_ms]
    if unread:
        oldest_ms = admin.first_written_ms(kafka, kafka.topics.detection_results.name)
        soon_ms = int((time.time() - _SKEW_S) * 1000)
        first_ms = {p: oldest_ms.get(p, soon_ms) for p in unread} | dict(first_ms)
    found = [
        Start(p.partition, p.offset, p.metadata or "", first_ms.get(p.partition, 0)) for p in places
    ]
    return [start for start in found if start.marked or start.first_ms]


@dataclass(frozen=True, slots=True)
class Recalled:
    """What was sent, and by partition the offset from which on messages are not planned yet.

    Our own offsets are committed with the tasks. Flink commits them after its checkpoints, and
    none when it stops with a savepoint, so after a short run there are none at all: its tasks
    tell how far it came.
    """

    states: States
    unplanned_from: dict[int, int]


def recall(kafka: KafkaSettings, starts: Sequence[Start], policy: GatePolicy) -> Recalled:
    """The state of each partition where it is to be read from.

    Raises:
        KafkaUnreachable: no broker answers.
    """
    began_s = time.monotonic()
    by_partition = {start.partition: start for start in starts}
    marks = [
        ms
        for start in starts
        if (policy.enabled or not start.marked) and (ms := start.since_ms(policy)) is not None
    ]
    found: dict[int, list[tuple[int, AssessmentTask]]] = {}
    unplanned_from: dict[int, int] = {}
    count = 0
    topics = kafka.topics
    for record in _since(kafka, topics.assessment_tasks.name, min(marks)) if marks else ():
        count += 1
        partition, offset = _source(record) or (-1, -1)
        start = by_partition.get(partition)
        if start is None or (start.marked and offset >= start.offset):
            continue
        if offset >= start.offset:
            unplanned_from[partition] = max(unplanned_from.get(partition, 0), offset + 1)
        try:
            task = decode(record.value() or b"", AssessmentTask)
        except BadMessage:
            continue  # somebody else's; the scheduler sets it aside
        found.setdefault(partition, []).append((offset, task))
    for partition, offset in _flink_came_to(kafka, starts, min(marks, default=0)):
        unplanned_from[partition] = max(unplanned_from.get(partition, 0), offset + 1)
    log.info(
        "gate recalled",
        extra={"tasks": count, "after_s": round(time.monotonic() - began_s, 3)},
    )
    states = {partition: _states(found.get(partition, ()), policy) for partition in by_partition}
    return Recalled(states, unplanned_from)


def _flink_came_to(
    kafka: KafkaSettings, starts: Sequence[Start], ms: int
) -> Iterator[tuple[int, int]]:
    """Partition and offset of what Flink left out or set aside after the offsets it committed."""
    begun = {s.partition: s.offset for s in starts if not s.marked}
    topics = kafka.topics
    if not begun:
        return
    for topic in (topics.skipped_groups.name, dlq_topic(topics.detection_results.name)):
        for record in _since(kafka, topic, ms):
            place = _source(record)
            if place is not None and place[1] >= begun.get(place[0], place[1] + 1):
                yield place


def _states(
    tasks: Iterable[tuple[int, AssessmentTask]], policy: GatePolicy
) -> dict[str, CameraState]:
    """Remember frame by frame, in the order in which they were decided."""
    frames: dict[tuple[int, str], list[Sent]] = {}
    for offset, task in sorted(tasks, key=lambda t: (t[0], t[1].group_index)):
        frames.setdefault((offset, task.camera_id), []).append(sent(task))
    states: dict[str, CameraState] = {}
    for (_, camera_id), entries in frames.items():
        states[camera_id] = remember(states.get(camera_id, ()), entries, policy)
    return states


def _source(record: Message) -> tuple[int, int] | None:
    """Partition and offset of the detection that a task, a notice or a dead letter comes from."""
    headers = dict(record.headers() or ())
    try:
        if SOURCE_HEADER in headers:
            return source_of(headers[SOURCE_HEADER])
        if headers.get("stage") == _STAGE:
            return int(headers["source-partition"]), int(headers["source-offset"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return None


def _since(kafka: KafkaSettings, topic: str, ms: int) -> Iterator[Message]:
    """Committed records from this time on, to where the topic ended when this was called."""
    ends = {place: high for place, (_, high) in admin.watermarks(kafka, [topic]).items()}
    consumer = reader(kafka, enable_partition_eof=True)
    try:
        wanted = [TopicPartition(topic, partition, ms) for _, partition in ends]
        starts = consumer.offsets_for_times(wanted, _OFFSETS_TIMEOUT_S)
        # A negative offset: nothing there is as young.
        starts = [s for s in starts if 0 <= s.offset < ends[topic, s.partition]]
        consumer.assign(starts)
        yield from _to_the_end(consumer, {s.partition: ends[topic, s.partition] for s in starts})
    finally:
        consumer.close()


def _to_the_end(consumer: Consumer, ends: dict[int, int]) -> Iterator[Message]:
    until_s = time.monotonic() + _GIVE_UP_S
    while ends:
        for record in consumer.consume(5_000, 0.5):
            error, partition = record.error(), record.partition() or 0
            if error is None and partition in ends:
                yield record
            # The last offset may be a transaction's marker, which is never delivered; what
            # tells that it was passed is the partition's end.
            reached = (record.offset() or 0) + (1 if error is None else 0)
            if error is not None and error.code() != _PARTITION_EOF:
                log.warning("%s: %s", record.topic(), error.str())
            elif reached >= ends.get(partition, 0):
                ends.pop(partition, None)
        if ends and time.monotonic() >= until_s:
            log.warning("not all that was sent could be read again: some groups are asked twice")
            return
