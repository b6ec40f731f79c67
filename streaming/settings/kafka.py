"""config/kafka.yaml: the broker, the topics, how we produce and consume."""

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from streaming.settings.base import Section, matching
from streaming.settings.kafka_security import KafkaSecurity

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
DEFAULT_BOOTSTRAP_SERVERS = "localhost:9092"
DEAD_LETTER_PARTITIONS = 4
DEAD_LETTER_RETENTION_MS = 7 * DAY_MS

_SERVER = r"(?:[a-zA-Z_]+://)?(?:\[[0-9a-fA-F:.]+\]|[^\s,:/\[\]]+):\d{1,5}"
BootstrapServers = Annotated[
    str,
    matching(rf"{_SERVER}(?:,{_SERVER})*", "be host:port, several of them joined by commas"),
    BeforeValidator(lambda v: re.sub(r"\s*,\s*", ",", v) if isinstance(v, str) else v),
]
Name = Annotated[str, matching(r"[A-Za-z0-9._-]{1,200}", "be 1 to 200 letters, digits and . _ -")]


class Topic(Section):
    """A topic; in the file a plain name will do."""

    name: Name = Field(description="Name on the broker")
    partitions: int = Field(16, ge=1, le=10_000, description="Grown when raised, never shrunk")
    replication_factor: int = Field(1, ge=1, le=15, description="Copies; for a new topic only")
    retention_ms: int = Field(DAY_MS, ge=60_000, description="How long messages are kept, ms")
    compacted: bool = Field(False, description="Keep the last message of each key for ever")


def _filled(**defaults: object) -> BeforeValidator:
    """Takes a topic's name or its mapping, and fills in this topic's defaults."""

    def widen(value: object) -> object:
        if isinstance(value, str):
            return defaults | {"name": str(value)}
        return defaults | value if isinstance(value, dict) else value

    return BeforeValidator(widen)


_DETECTIONS = Topic(name="detection-results")
_TASKS = Topic(name="assessment-tasks", retention_ms=2 * HOUR_MS)
_ASSESSMENTS = Topic(name="risk-assessment-results")
_SKIPPED = Topic(name="skipped-groups", retention_ms=2 * HOUR_MS)
_CONTROL = Topic(name="camera-control", compacted=True)


class Topics(Section):
    """The five topics, and a dead-letter topic beside each."""

    detection_results: Annotated[Topic, _filled(**_DETECTIONS.model_dump())] = Field(
        _DETECTIONS, description="One message a frame"
    )
    assessment_tasks: Annotated[Topic, _filled(**_TASKS.model_dump())] = Field(
        _TASKS, description="One message a group"
    )
    risk_assessment_results: Annotated[Topic, _filled(**_ASSESSMENTS.model_dump())] = Field(
        _ASSESSMENTS, description="One message a verdict"
    )
    skipped_groups: Annotated[Topic, _filled(**_SKIPPED.model_dump())] = Field(
        _SKIPPED, description="One message a frame of which a group got no task"
    )
    camera_control: Annotated[Topic, _filled(**_CONTROL.model_dump())] = Field(
        _CONTROL, description="Which cameras run"
    )

    def all(self) -> tuple[Topic, ...]:
        """The five topics and their dead-letter topics."""
        own = (
            self.detection_results,
            self.assessment_tasks,
            self.risk_assessment_results,
            self.skipped_groups,
            self.camera_control,
        )
        return own + tuple(
            Topic(
                name=f"{topic.name}.dlq",
                partitions=DEAD_LETTER_PARTITIONS,
                replication_factor=topic.replication_factor,
                retention_ms=DEAD_LETTER_RETENTION_MS,
            )
            for topic in own
        )


class ProducerSettings(Section):
    """How messages are sent."""

    compression_type: Literal["none", "gzip", "snappy", "lz4", "zstd"] = Field(
        "snappy", description="Compression of batches"
    )
    acks: Literal["all", "-1", "0", "1", -1, 0, 1] = Field(
        "all", description="Always all: idempotence needs it"
    )
    linger_ms: int = Field(10, ge=0, le=1000, description="Wait for a fuller batch, ms")
    batch_size: int = Field(32_768, ge=1024, le=16_777_216, description="Largest batch, bytes")
    buffer_memory: int = Field(
        33_554_432, ge=1_048_576, le=2_147_483_648, description="Most that waits to be sent, bytes"
    )


class ConsumerSettings(Section):
    """How messages are read."""

    group_id_prefix: Name = Field("traffic-monitor", description="Before each group's name")
    auto_offset_reset: Literal["earliest", "latest"] = Field(
        "earliest", description="Always earliest: a new group must not skip what waits"
    )
    enable_auto_commit: bool = Field(
        False, description="Always false: offsets are committed after the work"
    )
    auto_commit_interval_ms: int = Field(5000, ge=100, description="Accepted, without effect")
    fetch_min_bytes: int = Field(1, ge=1, le=104_857_600, description="Least that a fetch returns")
    fetch_max_wait_ms: int = Field(
        100, ge=1, le=60_000, description="Longest that a fetch waits for fetch_min_bytes, ms"
    )
    max_poll_records: int = Field(500, ge=1, le=100_000, description="Most messages a batch")


class KafkaSettings(Section):
    """config/kafka.yaml."""

    bootstrap_servers: BootstrapServers = Field(
        DEFAULT_BOOTSTRAP_SERVERS, description="host:port of one or more brokers, joined by commas"
    )
    security: KafkaSecurity = Field(KafkaSecurity(), description="How we sign in to it")
    topics: Topics = Field(Topics(), description="Names, or name, partitions, retention")
    producer: ProducerSettings = Field(ProducerSettings(), description="How messages are sent")
    consumer: ConsumerSettings = Field(ConsumerSettings(), description="How messages are read")
    connect_timeout_s: float = Field(
        30, gt=0, le=600, description="How long a daemon waits for a broker, s"
    )

    def overridden(self) -> dict[str, str]:
        """Each setting that our delivery promises override, by its path here, and why."""
        found = {}
        if self.consumer.enable_auto_commit:
            found["consumer.enable_auto_commit"] = (
                "true has no effect: offsets are committed after the work, so that a crash "
                "loses no message"
            )
        if str(self.producer.acks) not in {"all", "-1"}:
            found["producer.acks"] = (
                f"{self.producer.acks} has no effect: acks is all, so that no message is lost or "
                "doubled when a broker fails"
            )
        if self.consumer.auto_offset_reset == "latest":
            found["consumer.auto_offset_reset"] = (
                "latest has no effect: a new group starts at the earliest message, so that no "
                "task is skipped"
            )
        return found
