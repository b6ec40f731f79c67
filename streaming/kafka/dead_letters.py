"""Messages that a stage cannot use: kept as they came, with the reason in headers."""

from datetime import datetime
from typing import Protocol

from confluent_kafka import Producer

from streaming.messages.dead_letter import REASON_HEADERS, SUFFIX, Headers, dlq_topic, headers

__all__ = ["REASON_HEADERS", "SUFFIX", "Headers", "Record", "dlq_topic", "headers", "send"]

_QUEUE_FULL_WAIT_S = 30.0


class Record(Protocol):
    """What is read of a consumed message; `confluent_kafka.Message` is one."""

    def topic(self) -> str | None: ...
    def partition(self) -> int | None: ...
    def offset(self) -> int | None: ...
    def key(self) -> bytes | None: ...
    def value(self) -> bytes | None: ...
    def headers(self) -> list[tuple[str, bytes]] | None: ...


def send(
    producer: Producer, record: Record, *, stage: str, error: Exception | str, now: datetime
) -> None:
    """Queue the record's bytes, key and own headers for its dead-letter topic.

    The caller's next `flush`, `commit_transaction` or delivery report confirms it; commit
    the record's offset only after that.

    Raises:
        BufferError: the producer's queue stayed full for 30 s.
    """
    topic = record.topic() or ""
    own = [(n, v) for n, v in record.headers() or () if n not in REASON_HEADERS]
    reason = headers(
        error=error,
        topic=topic,
        partition=record.partition() or 0,
        offset=record.offset() or 0,
        stage=stage,
        failed_at=now,
    )
    letter = {"key": record.key(), "value": record.value(), "headers": own + reason}
    try:
        producer.produce(dlq_topic(topic), **letter)
    except BufferError:
        producer.flush(_QUEUE_FULL_WAIT_S)
        producer.produce(dlq_topic(topic), **letter)
