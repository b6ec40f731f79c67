"""Tasks into Kafka, results out of it: as cheap as can be, for both share the machine."""

import time
import uuid
from datetime import UTC, datetime, timedelta

import msgspec
from confluent_kafka import TopicPartition

from streaming.kafka.clients import producer, reader
from streaming.messages import AssessmentTask, Detection, Spatial, encode, task_id
from streaming.settings import KafkaSettings

DEADLINE_S = 300.0
"""Longer than any wait here: what expires did so for want of calls."""

_LINGER_MS = 1
_FLUSH_S = 30.0
_AT_ONCE = 500
_FETCH_BYTES, _FETCH_WAIT_MS = 65_536, 20


class Times(msgspec.Struct, rename="camel", gc=False):
    """Milliseconds, as in RiskAssessment."""

    queue_ms: float
    llm_ms: float
    end_to_end_ms: float


class Failure(msgspec.Struct, gc=False):
    """Why a task was not assessed."""

    type: str


class End(msgspec.Struct, rename="camel", gc=False):
    """What of a result is looked at. `published_ms`: the record's time, ms since 1970."""

    task_id: str
    status: str
    attempts: int
    latency: Times
    error: Failure | None = None
    published_ms: int = 0

    @property
    def added_ms(self) -> float:
        """From capture to verdict, less the provider's time."""
        return self.latency.end_to_end_ms - self.latency.llm_ms


class Sender:
    """Tasks of one group each, a car and a pedestrian, to partitions that the caller names.

    `sent` has every task's partition.
    """

    def __init__(self, kafka: KafkaSettings, image_ref: str) -> None:
        quick = kafka.producer.model_copy(update={"linger_ms": _LINGER_MS})
        self.partitions = kafka.topics.assessment_tasks.partitions
        self.sent: dict[str, int] = {}
        self._topic = kafka.topics.assessment_tasks.name
        self._writer = producer(kafka.model_copy(update={"producer": quick}), client_id="bench")
        self._template = _task(image_ref)
        self._run = uuid.uuid4().hex[:8]

    def send(self, partition: int) -> None:
        """One task, captured at this moment."""
        message_id = f"{self._run}-{len(self.sent)}"
        now = datetime.now(UTC)
        task = msgspec.structs.replace(
            self._template,
            task_id=task_id(message_id, 0),
            message_id=message_id,
            captured_at=now,
            created_at=now,
            deadline_at=now + timedelta(seconds=DEADLINE_S),
        )
        self._writer.produce(self._topic, encode(task), key=message_id, partition=partition)
        self._writer.poll(0)
        self.sent[task.task_id] = partition

    def close(self) -> None:
        """Wait until the broker has all."""
        self._writer.flush(_FLUSH_S)


class Ends:
    """The first result of every task, as they come; `repeats` counts further ones."""

    def __init__(self, kafka: KafkaSettings) -> None:
        topic = kafka.topics.risk_assessment_results
        self.found: dict[str, End] = {}
        self.repeats = 0
        self._decoder = msgspec.json.Decoder(End)
        # Few large fetches: the broker's time is the schedulers' too, and no figure hangs on this.
        self._consumer = reader(
            kafka, fetch_min_bytes=_FETCH_BYTES, fetch_wait_max_ms=_FETCH_WAIT_MS
        )
        self._consumer.assign([TopicPartition(topic.name, p, 0) for p in range(topic.partitions)])

    def read(self, timeout_s: float) -> list[End]:
        """What came since; waits at most so long for the first."""
        first = self._consumer.poll(timeout_s)
        if first is None:
            return []
        new = []
        for record in (first, *self._consumer.consume(_AT_ONCE, 0)):
            if record.error() is not None:
                continue
            end = self._decoder.decode(record.value() or b"")
            if end.task_id in self.found:
                self.repeats += 1
                continue
            end.published_ms = record.timestamp()[1]
            self.found[end.task_id] = end
            new.append(end)
        return new

    def close(self) -> None:
        """Read no more."""
        self._consumer.close()


def wall_ms() -> int:
    """The time as records carry it."""
    return round(time.time() * 1000)


def _task(image_ref: str) -> AssessmentTask:
    now = datetime.now(UTC)
    return AssessmentTask(
        task_id="0:0",
        message_id="0",
        camera_id="bench",
        group_index=0,
        group_count=1,
        captured_at=now,
        created_at=now,
        deadline_at=now,
        priority=50,
        objects=(
            Detection(1, "car", 2, 0.9, (100.0, 100.0, 180.0, 150.0)),
            Detection(2, "person", 0, 0.8, (185.0, 100.0, 200.0, 150.0)),
        ),
        xyxy=(88.0, 88.0, 212.0, 162.0),
        frame_size=(640, 360),
        spatial=Spatial(2.0, 52.0, 52.0, 52.0),
        surrogate_risk=0.8,
        image_ref=image_ref,
    )
