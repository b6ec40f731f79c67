"""The Kafka side of ingestion: where topics end, and their messages in bounded batches."""

import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import cast

from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaError,
    Message,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec

from streaming.errors import KafkaUnreachable
from streaming.kafka.clients import reader
from streaming.kafka.connection import REQUEST_TIMEOUT_S, patiently
from streaming.kafka.refusals import Right, using
from streaming.kafka.visible import existing
from streaming.lake.batch import Batch
from streaming.lake.plan import Span, TopicEnds
from streaming.lake.streams import Stream
from streaming.settings import KafkaSettings

BATCH_MESSAGES = 50_000
BATCH_BYTES = 64 * 1024 * 1024
_FETCH_MESSAGES = 2_000
_FETCH_WAIT_S = 0.5
_STALLED_AFTER_S = 30.0
# confluent_kafka names librdkafka's own errors with an underscore.
_PARTITION_EOF = KafkaError._PARTITION_EOF  # noqa: SLF001
_GONE = {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}  # noqa: SLF001
_SETTLING = {KafkaError.UNKNOWN_TOPIC_OR_PART}
"""What a topic answers for a moment after it was made."""


def topic_ends(kafka: KafkaSettings, topics: Iterable[str]) -> dict[str, TopicEnds]:
    """Where each topic begins and ends now; topics that do not exist are left out.

    Raises:
        KafkaUnreachable: no broker answers, or the topics do not settle within 10 s.
    """
    return patiently(kafka, lambda client: _topic_ends(client, topics), also_passing=_SETTLING)


def offsets_at(kafka: KafkaSettings, topic: TopicEnds, moment: datetime) -> dict[int, int]:
    """By partition, the first offset written at `moment` or later; the end where none was.

    Raises:
        KafkaUnreachable: no broker answers.
    """
    places = [TopicPartition(topic.topic, partition) for partition in topic.ends]
    spec = OffsetSpec.for_timestamp(int(moment.timestamp() * 1000))
    found = patiently(kafka, lambda client: _offsets(client, places, spec), also_passing=_SETTLING)
    return {
        partition: end if (offset := found[topic.topic, partition]) < 0 else offset
        for partition, (_, end) in topic.ends.items()
    }


def _topic_ends(client: AdminClient, topics: Iterable[str]) -> dict[str, TopicEnds]:
    found = existing(client, topics)
    names = sorted(found)
    if not names:
        return {}
    described = client.describe_topics(TopicCollection(names), request_timeout=REQUEST_TIMEOUT_S)
    ids = {}
    for name, future in described.items():
        with using(Right("DESCRIBE", "topic", name)):
            ids[name] = str(future.result().topic_id)
    places = [TopicPartition(t, p) for t in names for p in found[t].partitions]
    low = _offsets(client, places, OffsetSpec.earliest())
    end = _offsets(client, places, OffsetSpec.latest())
    return {
        name: TopicEnds(
            name, ids[name], {p: (low[name, p], end[name, p]) for p in found[name].partitions}
        )
        for name in names
    }


def batches(
    kafka: KafkaSettings, stream: Stream, topic: str, spans: Sequence[Span]
) -> Iterator[Batch]:
    """The messages of `spans`, none beyond, in batches of about 50,000 messages or 64 MiB.

    The next batch is read and decoded, in a thread, while the caller has this one: DuckDB
    needs the interpreter as little as Kafka's client does. Transaction markers and what
    retention removes meanwhile leave holes. The last batch moves every partition to its
    span's end.

    Raises:
        KafkaUnreachable: nothing came for 30 s.
    """
    # "error": a span that retention cuts short ends here; the next plan finds the gap.
    consumer = reader(kafka, enable_partition_eof=True, auto_offset_reset="error")
    reading = _Reading(consumer, stream, topic, spans)
    try:
        with ThreadPoolExecutor(1, thread_name_prefix="lake-source") as ahead:
            following = ahead.submit(reading.next_batch)
            while (batch := following.result()) is not None:
                following = ahead.submit(reading.next_batch)
                try:
                    yield batch
                except BaseException:
                    reading.stop()
                    raise
    finally:
        consumer.close()


class _Reading:
    """One pass over the spans; `left` are those not yet at their end. For one thread."""

    def __init__(
        self, consumer: Consumer, stream: Stream, topic: str, spans: Sequence[Span]
    ) -> None:
        self.left = {span.partition: span for span in spans}
        self.batch = Batch()
        self._consumer = consumer
        self._stream = stream
        self._topic = topic
        self._stopped = False
        self._heard_at = time.monotonic()
        consumer.assign([TopicPartition(topic, s.partition, s.start) for s in spans])

    def next_batch(self) -> Batch | None:
        """The next messages in order of their partitions; None once everything is read."""
        self.batch = Batch()
        while self.left and not self._stopped:
            self.take(self._consumer.consume(_FETCH_MESSAGES, _FETCH_WAIT_S))
            if self.batch.messages >= BATCH_MESSAGES or self.batch.size_bytes >= BATCH_BYTES:
                return self.batch
        return self.batch if self.batch.next_offsets else None

    def stop(self) -> None:
        """Nobody wants what is being read."""
        self._stopped = True

    def take(self, records: Sequence[Message]) -> None:
        """Add records to the batch, and drop partitions that are at their end."""
        if records:
            self._heard_at = time.monotonic()
        elif time.monotonic() - self._heard_at > _STALLED_AFTER_S:
            raise KafkaUnreachable(
                f"{self._topic}: no message for {_STALLED_AFTER_S:.0f} s;"
                " is the broker at kafka.bootstrap_servers well?"
            )
        for record in records:
            span = self.left.get(cast("int", record.partition()))
            if span is not None:
                self._take(record, span)

    def _take(self, record: Message, span: Span) -> None:
        offset = cast("int", record.offset())
        error = record.error()
        if error is None:
            if offset < span.end:
                self.batch.add(
                    span.partition, offset, record.value() or b"", self._stream.message_type
                )
            if offset >= span.end - 1:
                self._finish(span, span.end)
        elif error.code() == _PARTITION_EOF:
            self._finish(span, min(span.end, offset))
        elif error.code() in _GONE:
            self._finish(span, None)

    def _finish(self, span: Span, next_offset: int | None) -> None:
        del self.left[span.partition]
        if next_offset is not None:
            self.batch.next_offsets[span.partition] = next_offset
        self._consumer.incremental_unassign([TopicPartition(self._topic, span.partition)])


def _offsets(
    client: AdminClient, places: Sequence[TopicPartition], spec: OffsetSpec
) -> dict[tuple[str, int], int]:
    found = client.list_offsets(
        dict.fromkeys(places, spec),
        isolation_level=IsolationLevel.READ_COMMITTED,
        request_timeout=REQUEST_TIMEOUT_S,
    )
    offsets = {}
    for place, future in found.items():
        with using(Right("DESCRIBE", "topic", place.topic)):
            offsets[place.topic, place.partition] = future.result().offset
    return offsets
