"""Find messages that Kafka will soon delete and the lake has not read, without consuming any."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from streaming.lake.offsets import positions
from streaming.lake.source import offsets_at, topic_ends
from streaming.lake.streams import STREAMS, Stream
from streaming.settings import KafkaSettings

WARN_AT = 0.5
"""Of a topic's retention: one that keeps two hours warns an hour before the first loss."""


@dataclass(frozen=True, slots=True)
class Behind:
    """`messages` of a stream are older than half of their topic's retention, and not read."""

    stream: str
    topic: str
    messages: int
    retention: timedelta

    @property
    def sentence(self) -> str:
        """For a person."""
        hours = self.retention.total_seconds() / 3600
        return (
            f"{self.topic}: {self.messages:,} messages are older than {hours * WARN_AT:g} h and not"
            f" in the lake; Kafka deletes them at {hours:g} h. Is `ingestion` running?"
        )


def falling_behind(
    con: duckdb.DuckDBPyConnection | None,
    kafka: KafkaSettings,
    *,
    now: datetime,
    streams: Iterable[Stream] = STREAMS,
) -> tuple[Behind, ...]:
    """The streams that lose messages soon; `con` is None where there is no lake yet.

    Raises:
        KafkaUnreachable: no broker answers.
    """
    retention = {topic.name: topic.retention_ms for topic in kafka.topics.all()}
    wanted = {stream.topic(kafka): stream for stream in streams}
    found = []
    for name, topic in topic_ends(kafka, wanted).items():
        kept = timedelta(milliseconds=retention[name])
        stored = {} if con is None else positions(con, wanted[name].name)
        old = offsets_at(kafka, topic, now - kept * WARN_AT)
        messages = sum(
            max(0, old[partition] - max(low, stored.get((topic.topic_id, partition), low)))
            for partition, (low, _) in topic.ends.items()
        )
        if messages:
            found.append(Behind(wanted[name].name, name, messages, kept))
    return tuple(found)
