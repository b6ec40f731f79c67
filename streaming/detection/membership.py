"""This worker in the group of all detection workers, on the topic camera-control."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Collection

from confluent_kafka import OFFSET_END, Consumer, KafkaError, KafkaException, TopicPartition

from streaming.detection.lease import Hold, Lease
from streaming.errors import KafkaRefused, KafkaUnreachable
from streaming.kafka.clients import MEMBER_SESSION_MS, is_fatal, member
from streaming.settings import KafkaSettings

log = logging.getLogger(__name__)

GROUP = "detection"
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Runs on while the machine sleeps, as the coordinator's clock does."""

_POLL_S = 0.1
_CONFIRM_S = 1.0
_METADATA_S = 5.0
_WATERMARK_S = 1.0
_END_KNOWN_S = 30.0
_END_S = 10.0


class Membership:
    """Which partitions, and so which cameras, this worker has.

    Once a second it commits an offset, which the coordinator takes from members of the present
    generation only, and which counts as a sign of life: so each confirmed commit gives the lease
    another session. `changed` is called in this thread; when it returns, what was taken away
    must be on its way to a stop, for another worker may begin then.
    """

    def __init__(self, kafka: KafkaSettings, instance_id: str) -> None:
        self._kafka = kafka
        self._instance_id = instance_id
        self.changed: Callable[[], None] = lambda: None
        self._lease = Lease()
        self._end = (-1, 0, 0.0)
        self._asked_s: float | None = None
        self._next_s = 0.0
        self._given: set[int] = set()
        self.fatal: KafkaUnreachable | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="membership", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Leave the group, so that others take over at once."""
        self._stop.set()
        self._thread.join(_END_S)

    def term(self, camera_id: str) -> int | None:
        """The term under which the camera is held, or None."""
        return self._lease.term(camera_id)

    def hold(self, camera_id: str, term: int) -> Hold:
        """Whether what was taken of the camera in that term may still go out."""
        return self._lease.hold(camera_id, term, _now_s())

    def _run(self) -> None:
        topic = self._kafka.topics.camera_control.name
        consumer = member(
            self._kafka, group=GROUP, instance_id=self._instance_id, on_commit=self._on_commit
        )
        consumer.subscribe(
            [topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
        )
        try:
            while not self._stop.is_set() and self.fatal is None:
                self._poll(consumer)
        except KafkaRefused as exc:
            self.fatal = exc
        finally:
            consumer.close()

    def _poll(self, consumer: Consumer) -> None:
        record = consumer.poll(_POLL_S)
        error = record.error() if record is not None else None
        if error is not None and is_fatal(error):
            self.fatal = KafkaUnreachable(f"Kafka's client gave up: {error.str()}")
        if self._given:
            self._take_up(consumer)
        if self._lease.terms and self._asked_s is None and _now_s() >= self._next_s:
            self._ask(consumer)

    def _ask(self, consumer: Consumer) -> None:
        place = TopicPartition(
            self._kafka.topics.camera_control.name, min(self._lease.terms or {0: 0})
        )
        place.offset = self._end_of(consumer, place)
        self._asked_s = _now_s()
        self._next_s = self._asked_s + _CONFIRM_S
        try:
            consumer.commit(offsets=[place], asynchronous=True)
        except KafkaException as exc:
            self._asked_s = None
            log.warning("membership is not confirmed: %s", exc.args[0].str())

    def _end_of(self, consumer: Consumer, place: TopicPartition) -> int:
        """What to commit: any offset will do, but the end leaves no lag to be alarmed about."""
        partition, end, known_s = self._end
        if partition != place.partition or _now_s() - known_s > _END_KNOWN_S:
            with contextlib.suppress(KafkaException):
                marks = consumer.get_watermark_offsets(place, timeout=_WATERMARK_S)
                end = marks[1] if marks else 0
            self._end = (place.partition, end, _now_s())
        return end

    def _on_commit(self, error: KafkaError | None, _partitions: list[TopicPartition]) -> None:
        asked_s, self._asked_s = self._asked_s, None
        if error is not None:
            log.info("membership is not confirmed: %s", error.str())
        elif asked_s is not None:
            self._lease = self._lease.confirmed(asked_s, MEMBER_SESSION_MS / 1000)

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        # They are given out, not read: `control` reads all of them.
        at_end = [TopicPartition(p.topic, p.partition, OFFSET_END) for p in partitions]
        consumer.incremental_assign(at_end)
        consumer.pause(at_end)
        self._given |= _numbers(partitions)

    def _take_up(self, consumer: Consumer) -> None:
        # Not in the callback: list_topics there has confluent-kafka abort the process at the
        # next callback of the same poll (CallState_get: cs != NULL).
        given, self._given = self._given, set()
        self._lease = self._lease.assigned(given, self._count(consumer))
        self._next_s = 0.0
        self._tell()

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._given -= _numbers(partitions)
        self._lease = self._lease.revoked(_numbers(partitions))
        self._tell()
        consumer.incremental_unassign(partitions)

    def _tell(self) -> None:
        log.info("partitions of camera-control here: %s", sorted(self._lease.terms or ()))
        self.changed()

    def _count(self, consumer: Consumer) -> int:
        topic = self._kafka.topics.camera_control.name
        try:
            found = consumer.list_topics(topic, timeout=_METADATA_S).topics[topic].partitions
        except (KafkaException, KeyError):
            return self._lease.count
        return len(found) or self._lease.count


def _numbers(partitions: Collection[TopicPartition]) -> set[int]:
    return {p.partition for p in partitions}


def _now_s() -> float:
    return time.clock_gettime(_CLOCK)
