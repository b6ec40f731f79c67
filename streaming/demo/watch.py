"""Follows the three topics from where they stood at the start, and keeps the tally."""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from streaming.demo.tally import Tally
from streaming.errors import BadMessage
from streaming.kafka.clients import reader
from streaming.messages import AssessmentTask, DetectionResult, Message, RiskAssessment, decode
from streaming.settings import KafkaSettings

log = logging.getLogger(__name__)

Offsets = Mapping[tuple[str, int], int]


class Watch:
    """Reads in a thread of its own; `lock` guards the tally while the screen reads it."""

    def __init__(self, kafka: KafkaSettings, tally: Tally, start: Offsets) -> None:
        self.tally = tally
        self.lock = threading.Lock()
        self.caught_up = False
        self._kafka = kafka
        self._start = start
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="watch", daemon=True)
        topics = kafka.topics
        self._adders: dict[str, tuple[type[Message], Callable[[Any], None]]] = {
            topics.detection_results.name: (DetectionResult, tally.add_detection),
            topics.assessment_tasks.name: (AssessmentTask, tally.add_task),
            topics.risk_assessment_results.name: (RiskAssessment, tally.add_assessment),
        }

    def __enter__(self) -> "Watch":
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
                message_type, add = self._adders[topic]
                try:
                    add(decode(value, message_type))
                except BadMessage as exc:
                    log.warning("not counted", extra={"topic": topic, "error": str(exc)})
