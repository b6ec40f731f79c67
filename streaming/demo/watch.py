"""Follows the four topics from where they stood at the start, and keeps the tally."""

import logging
import threading
from collections.abc import Mapping
from typing import Generic, Protocol, TypeVar

from confluent_kafka import Consumer, TopicPartition

from streaming.errors import BadMessage
from streaming.kafka import admin
from streaming.kafka.clients import reader
from streaming.messages import (
    AssessmentTask,
    DetectionResult,
    Message,
    RiskAssessment,
    SkippedGroups,
    decode,
)
from streaming.settings import KafkaSettings

log = logging.getLogger(__name__)

Offsets = Mapping[tuple[str, int], int]


class Book(Protocol):
    """What takes the messages, one after another."""

    def add(self, message: Message, partition: int, /) -> None: ...


B = TypeVar("B", bound=Book)


def message_types(kafka: KafkaSettings) -> dict[str, type[Message]]:
    """What is on each of the four topics that a frame passes."""
    topics = kafka.topics
    return {
        topics.detection_results.name: DetectionResult,
        topics.assessment_tasks.name: AssessmentTask,
        topics.risk_assessment_results.name: RiskAssessment,
        topics.skipped_groups.name: SkippedGroups,
    }


def ends(kafka: KafkaSettings) -> dict[tuple[str, int], int]:
    """Where the four topics end now.

    Raises:
        KafkaUnreachable: no broker answers.
    """
    marks = admin.watermarks(kafka, message_types(kafka))
    return {place: high for place, (_, high) in marks.items()}


class Watch(Generic[B]):
    """Reads in a thread of its own; `lock` guards the tally while others read it."""

    def __init__(self, kafka: KafkaSettings, tally: B, start: Offsets) -> None:
        self.tally = tally
        self.lock = threading.Lock()
        self.caught_up = False
        self._kafka = kafka
        self._start = start
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="watch", daemon=True)
        self._types = message_types(kafka)

    def __enter__(self) -> "Watch[B]":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=10)

    def _follow(self) -> None:
        consumer = reader(self._kafka)
        try:
            consumer.assign([TopicPartition(t, p, o) for (t, p), o in self._start.items()])
            while not self._stop.is_set():
                self._take_batch(consumer)
        finally:
            consumer.close()

    def _take_batch(self, consumer: Consumer) -> None:
        records = consumer.consume(num_messages=500, timeout=0.2)
        with self.lock:
            self.caught_up = not records
            for record in records:
                topic, value = record.topic(), record.value()
                if record.error() or topic is None or value is None:
                    continue
                try:
                    self.tally.add(decode(value, self._types[topic]), record.partition() or 0)
                except BadMessage as exc:
                    log.warning("not counted", extra={"topic": topic, "error": str(exc)})
