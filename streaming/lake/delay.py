"""The age of the oldest message that the lake has not read, without consuming any."""

from bisect import bisect_left
from datetime import datetime, timedelta

import duckdb

from streaming.lake.offsets import positions
from streaming.lake.plan import TopicEnds
from streaming.lake.source import offsets_at, topic_ends
from streaming.lake.streams import STREAMS
from streaming.settings import KafkaSettings

AGES_S = tuple(round(60 * 1.25**n) for n in range(35))
"""A minute to a day and more: an age is told to within a quarter, for five questions."""


def delays_s(
    con: duckdb.DuckDBPyConnection | None, kafka: KafkaSettings, *, now: datetime
) -> dict[str, float]:
    """By stream, the greatest of `AGES_S` that the oldest unread message has reached; 0 below.

    `con` is None where there is no lake yet. A stream whose topic does not exist is left out.
    Where all is well this is one question a topic.

    Raises:
        KafkaUnreachable: no broker answers.
    """
    wanted = {stream.topic(kafka): stream.name for stream in STREAMS}
    return {
        wanted[name]: _delay_s(
            kafka, ends, {} if con is None else positions(con, wanted[name]), now
        )
        for name, ends in topic_ends(kafka, wanted).items()
    }


def _delay_s(
    kafka: KafkaSettings, topic: TopicEnds, stored: dict[tuple[str, int], int], now: datetime
) -> float:
    unread = {
        partition: max(low, stored.get((topic.topic_id, partition), low))
        for partition, (low, _) in topic.ends.items()
    }
    if all(unread[partition] >= end for partition, (_, end) in topic.ends.items()):
        return 0.0

    def is_younger(age_s: float) -> bool:
        """Whether every unread message is younger than that: it is for all ages from one on."""
        old = offsets_at(kafka, topic, now - timedelta(seconds=age_s))
        return all(old[partition] <= offset for partition, offset in unread.items())

    if is_younger(AGES_S[0]):
        return 0.0
    reached = bisect_left(AGES_S, True, lo=1, key=is_younger)
    return float(AGES_S[reached - 1])
