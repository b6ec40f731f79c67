"""The offsets that ingestion has reached, stored in the lake and moved together with the rows."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import duckdb

from streaming.lake.plan import RECREATED, Gap, TopicEnds
from streaming.lake.transaction import transaction

Positions = dict[tuple[str, int], int]


class LostRace(Exception):
    """Another process has ingested this stream since its offsets were read."""


def positions(con: duckdb.DuckDBPyConnection, stream: str) -> Positions:
    """The next offset by (topic id, partition)."""
    rows = con.execute(
        "SELECT topic_id, kafka_partition, next_offset FROM ingested_offsets WHERE stream = ?",
        [stream],
    ).fetchall()
    return {(topic_id, partition): offset for topic_id, partition, offset in rows}


def advance(
    con: duckdb.DuckDBPyConnection,
    stream: str,
    topic: TopicEnds,
    moves: Mapping[int, tuple[int, int]],
    *,
    messages: int,
) -> None:
    """Within a transaction: move partitions from an offset to the next one to read.

    Raises:
        LostRace: a partition no longer is where its move begins.
    """
    now = _now()
    # The row that every batch of this stream changes: of two writers, one has to start over.
    changed = con.execute(
        "UPDATE ingestions SET batches = batches + 1, messages = messages + ?, committed_at = ?"
        " WHERE stream = ?",
        [messages, now, stream],
    ).fetchone()
    if changed != (1,):
        raise LostRace  # without that row nothing would tell that another writer was first
    stored = positions(con, stream)
    for partition, (start, _) in moves.items():
        if stored.get((topic.topic_id, partition), start) != start:
            raise LostRace
    _store(con, stream, topic, {p: end for p, (_, end) in moves.items()}, now)


def record_gaps(
    con: duckdb.DuckDBPyConnection, stream: str, topic: TopicEnds, gaps: Iterable[Gap]
) -> None:
    """Record gaps and skip them, in a transaction of its own."""
    found = list(gaps)

    def change() -> None:
        now = _now()
        con.execute("UPDATE ingestions SET committed_at = ? WHERE stream = ?", [now, stream])
        stored = positions(con, stream)
        for gap in found:
            con.execute(
                "INSERT INTO ingestion_gaps VALUES (?, ?, ?, ?, ?, ?)",
                [gap.topic, gap.partition, gap.first_offset, gap.next_offset, gap.reason, now],
            )
        if any(gap.reason == RECREATED for gap in found):
            con.execute("DELETE FROM ingested_offsets WHERE stream = ?", [stream])
            behind = {partition: low for partition, (low, _) in topic.ends.items()}
        else:
            behind = {g.partition: g.next_offset for g in found if g.next_offset is not None}
            if any(stored.get((topic.topic_id, g.partition)) != g.first_offset for g in found):
                raise LostRace
        _store(con, stream, topic, behind, now)

    transaction(con, change)


def _store(
    con: duckdb.DuckDBPyConnection,
    stream: str,
    topic: TopicEnds,
    next_offsets: Mapping[int, int],
    now: datetime,
) -> None:
    if not next_offsets:
        return
    con.execute(
        "DELETE FROM ingested_offsets WHERE stream = ? AND topic_id = ?"
        " AND list_contains(?::INTEGER[], kafka_partition)",
        [stream, topic.topic_id, list(next_offsets)],
    )
    con.execute(
        "INSERT INTO ingested_offsets SELECT ?, ?, ?, unnest(?::INTEGER[]), unnest(?::BIGINT[]), ?",
        [
            stream,
            topic.topic,
            topic.topic_id,
            list(next_offsets),
            list(next_offsets.values()),
            now,
        ],
    )


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
