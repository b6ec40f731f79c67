"""Producers and consumers with the guarantees that docs/architecture.md promises.

Nothing here connects: librdkafka does so in the background, and
`streaming.kafka.admin.wait_for_broker` tells whether anything answers.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaError, TopicPartition

from streaming.kafka import security
from streaming.kafka.checked import CheckedConsumer, CheckedProducer, ClientErrors
from streaming.kafka.refusals import Right
from streaming.settings import KafkaSettings

log = logging.getLogger(__name__)

DELIVERY_TIMEOUT_MS = 30_000
SESSION_TIMEOUT_MS = 10_000
MEMBER_SESSION_MS = 6_000
"""The least that a broker allows by default (group.min.session.timeout.ms)."""

CommitCallback = Callable[[KafkaError | None, list[TopicPartition]], None]
_MAX_QUEUED_MESSAGES = 100_000
_MAX_FETCHED_KIB = 16_384
_FULL_PAUSE_MS = 5
"""Between two looks whether the fetched messages became fewer. librdkafka's second lets a fast
reader run dry: 12 µs a message instead of 1.2 (925 bytes, 16 partitions)."""
_FATAL = (KafkaError._FATAL, KafkaError._FENCED, KafkaError.FENCED_INSTANCE_ID)  # noqa: SLF001


def group_id(kafka: KafkaSettings, group: str) -> str:
    """The consumer group's name on the broker: the configured prefix, then ours."""
    return f"{kafka.consumer.group_id_prefix}-{group}"


def producer(
    kafka: KafkaSettings,
    *,
    client_id: str,
    transactional_id: str | None = None,
    rights: Sequence[Right] = (),
    **overrides: object,
) -> CheckedProducer:
    """An idempotent producer that gives up on a message after 30 s.

    Its queue is bounded by `kafka.producer.buffer_memory`: `produce` raises BufferError
    when it is full. `acks` is always all, as idempotence needs. Keys go to the partition
    that Java clients (Flink, kafka-console-producer) choose for them.

    `overrides` are librdkafka settings with `_` for `.`: `retry_backoff_ms=5`. `rights` are what
    it needs, so that one that is missing can be named where the broker does not say it.

    What it is refused is raised, as KafkaRefused, from its next `poll` or `flush`; of messages
    with an `on_delivery` of their own that is the caller's business.
    """
    errors = ClientErrors(
        kafka,
        Right("WRITE", "transactional-id", transactional_id or ""),
        Right("IDEMPOTENT_WRITE", "cluster"),
        *rights,
    )
    config = _common(kafka, client_id, errors) | {
        "enable.idempotence": True,
        "acks": "all",
        "compression.type": kafka.producer.compression_type,
        "linger.ms": kafka.producer.linger_ms,
        "batch.size": kafka.producer.batch_size,
        "queue.buffering.max.kbytes": max(1, kafka.producer.buffer_memory // 1024),
        "queue.buffering.max.messages": _MAX_QUEUED_MESSAGES,
        "delivery.timeout.ms": DELIVERY_TIMEOUT_MS,
        "partitioner": "murmur2_random",
    }
    if transactional_id is None:
        config["on_delivery"] = errors.on_delivery
    else:  # whose commit tells what failed, once for all messages
        config |= {
            "transactional.id": transactional_id,
            # A transaction left open by a killed worker hides later messages from
            # readers until this runs out, or until the worker is back.
            "transaction.timeout.ms": DELIVERY_TIMEOUT_MS,
        }
    config |= _dotted(overrides)
    return CheckedProducer(config, errors, logger=log)


def consumer(
    kafka: KafkaSettings, *, group: str, instance_id: str, **overrides: object
) -> Consumer:
    """A static member `<group>-<instance_id>` of the group `<prefix>-<group>`.

    A member that returns within 10 s gets its partitions back with no rebalance, and a
    rebalance takes away only partitions that move (cooperative), so tasks under way at
    the provider stay where they are. Offsets are committed by the caller alone. A new
    group starts at the earliest message whatever `auto_offset_reset` says: "latest"
    would skip tasks written before the group's first commit. A second process with the
    same `instance_id` fences the first, which is told so once, by a record whose `error()`
    `is_fatal`.

    `overrides` as in `producer`.
    """
    errors = ClientErrors(kafka, Right("READ", "group", group_id(kafka, group)))
    config = _common(kafka, f"{group}-{instance_id}", errors) | _fetching(kafka)
    config |= {
        "on_commit": errors.on_commit,
        "group.id": group_id(kafka, group),
        "group.instance.id": f"{group}-{instance_id}",
        "partition.assignment.strategy": "cooperative-sticky",
        "session.timeout.ms": SESSION_TIMEOUT_MS,
        "heartbeat.interval.ms": SESSION_TIMEOUT_MS // 5,
        "auto.offset.reset": "earliest",
    }
    config |= _dotted(overrides)
    return CheckedConsumer(config, errors, logger=log)


def member(
    kafka: KafkaSettings,
    *,
    group: str,
    instance_id: str,
    on_commit: CommitCallback,
    **overrides: object,
) -> Consumer:
    """A member of a group for what it is assigned, not for what it reads.

    It is out of the group 6 s after its last sign of life, and at once when it closes: there is
    no static membership that would keep its place. `on_commit` tells each commit's outcome.

    `overrides` as in `producer`.
    """
    errors = ClientErrors(kafka, Right("READ", "group", group_id(kafka, group)))

    def committed(error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        errors.on_commit(error, partitions)
        on_commit(error, partitions)

    config = _common(kafka, f"{group}-{instance_id}", errors) | _fetching(kafka)
    config |= {
        "group.id": group_id(kafka, group),
        "partition.assignment.strategy": "cooperative-sticky",
        "session.timeout.ms": MEMBER_SESSION_MS,
        "heartbeat.interval.ms": MEMBER_SESSION_MS // 6,
        "auto.offset.reset": "latest",
        "on_commit": committed,
        # Partitions that were added are given out within so long.
        "topic.metadata.refresh.interval.ms": 10_000,
    }
    config |= _dotted(overrides)
    return CheckedConsumer(config, errors, logger=log)


def reader(kafka: KafkaSettings, **overrides: object) -> Consumer:
    """A consumer outside any group, for `assign()`; it commits nothing.

    `overrides` as in `producer`.
    """
    # librdkafka wants a group's name even where nobody joins one, and asks for its coordinator:
    # that this is refused does not matter.
    errors = ClientErrors(kafka)
    config = _common(kafka, "reader", errors) | _fetching(kafka)
    config |= {"group.id": group_id(kafka, "reader"), "auto.offset.reset": "earliest"}
    config |= _dotted(overrides)
    return CheckedConsumer(config, errors, logger=log)


def outsider(kafka: KafkaSettings, group: str) -> Consumer:
    """A consumer that asks what a group has committed, by its full name; it joins and reads none.

    Its errors are those of its requests alone.
    """
    config = security.librdkafka(kafka) | {
        "client.id": "trafficmon-admin",
        "group.id": group,
        "enable.auto.commit": False,
        # What was committed last, also while a transaction with the next offsets is open.
        "isolation.level": "read_uncommitted",
        "reconnect.backoff.max.ms": 500,
        "log_level": 2,
    }
    return Consumer(config, logger=log)


def is_fatal(error: KafkaError) -> bool:
    """Whether a consumer that met this error will never deliver again: end, and be restarted.

    librdkafka wraps a fencing of the consumer in an error whose own `fatal()` is false.
    """
    return error.fatal() or error.code() in _FATAL


def _common(kafka: KafkaSettings, client_id: str, errors: ClientErrors) -> dict[str, Any]:
    return {
        **security.librdkafka(kafka),
        "client.id": client_id,
        "error_cb": errors.on_error,
        "log.connection.close": False,
        "reconnect.backoff.max.ms": 1_000,
        "socket.keepalive.enable": True,
        "topic.metadata.refresh.interval.ms": 60_000,
    }


def _fetching(kafka: KafkaSettings) -> dict[str, Any]:
    return {
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "isolation.level": "read_committed",
        "fetch.min.bytes": kafka.consumer.fetch_min_bytes,
        "fetch.wait.max.ms": kafka.consumer.fetch_max_wait_ms,
        "queued.max.messages.kbytes": _MAX_FETCHED_KIB,
        "fetch.queue.backoff.ms": _FULL_PAUSE_MS,
    }


def _dotted(overrides: Mapping[str, object]) -> dict[str, object]:
    return {name.replace("_", "."): value for name, value in overrides.items()}
