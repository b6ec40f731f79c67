"""The results as a consumer sees them: when each came, from which camera, how old it was."""

import threading
import time
from collections.abc import Collection
from dataclasses import dataclass

from confluent_kafka import TopicPartition

from streaming.kafka.clients import reader
from streaming.messages import DetectionResult, decode
from streaming.settings import KafkaSettings

_POLL_S = 0.1
_END_S = 5.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One result; `at_s` by the monotonic clock, `age_ms` from capture until it was read here."""

    at_s: float
    camera_id: str
    age_ms: float


class Audience:
    """Reads detection-results in a thread, for the length of the block."""

    def __init__(self, kafka: KafkaSettings) -> None:
        topic = kafka.topics.detection_results
        self._consumer = reader(kafka, fetch_wait_max_ms=50)
        self._consumer.assign([TopicPartition(topic.name, p, 0) for p in range(topic.partitions)])
        self._seen: list[Seen] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audience", daemon=True)

    def __enter__(self) -> "Audience":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(_END_S)
        self._consumer.close()

    def since(self, at_s: float, cameras: Collection[str] | None = None) -> list[Seen]:
        """What came after `at_s`, of these cameras only."""
        found = [s for s in list(self._seen) if s.at_s >= at_s]
        return found if cameras is None else [s for s in found if s.camera_id in cameras]

    def _run(self) -> None:
        while not self._stop.is_set():
            for record in self._consumer.consume(1, _POLL_S) or ():
                value = record.value()
                if record.error() is None and value is not None:
                    self._take(value)

    def _take(self, value: bytes) -> None:
        result = decode(value, DetectionResult)
        age_ms = (time.time() - result.captured_at.timestamp()) * 1000
        self._seen.append(Seen(time.monotonic(), result.camera_id, age_ms))
