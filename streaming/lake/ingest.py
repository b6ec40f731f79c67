"""Ingest from Kafka into the lake, exactly once even if the process is killed.

1. Read the topic's ends and the stored offsets; what lies between is the plan.
2. Gather a bounded batch; decode and flatten it outside any transaction.
3. In one transaction: move the offsets, insert the rows, commit.

A crash before 3's commit leaves nothing; one after it leaves everything. Two processes on
one stream: the second to commit finds the offsets moved, and plans anew.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

from streaming.lake.batch import Batch, Rejected
from streaming.lake.catalog import LakeUnavailable
from streaming.lake.offsets import LostRace, advance, positions, record_gaps
from streaming.lake.plan import Gap, Plan, TopicEnds, plan
from streaming.lake.source import batches, topic_ends
from streaming.lake.staging import stage, staged
from streaming.lake.streams import Stream
from streaming.lake.transaction import transaction
from streaming.settings import KafkaSettings

_MAX_PLANS = 5


@dataclass(slots=True)
class Ingested:
    """What one run ingested of a stream: messages, rows by table, rejected messages, gaps."""

    messages: int
    rejected: int
    rows: dict[str, int]
    batches: int
    gaps: tuple[Gap, ...] = ()


def ingest(con: duckdb.DuckDBPyConnection, kafka: KafkaSettings, stream: Stream) -> Ingested:
    """Ingest everything that is on the topic now and not yet in the lake.

    Needs `ensure_schema`. A topic that does not exist yet brings nothing.

    Raises:
        KafkaUnreachable: the broker does not answer; batches committed so far stay.
        LakeUnavailable: other writers kept the lake busy, or were first five times.
    """
    total = Ingested(0, 0, {target.table.name: 0 for target in stream.targets}, 0)
    name = stream.topic(kafka)
    topic = topic_ends(kafka, [name]).get(name)
    if topic is None:
        return total
    for _ in range(_MAX_PLANS):
        try:
            _ingest(con, kafka, stream, topic, total)
        except LostRace:
            continue
        return total
    raise LakeUnavailable(
        f"{stream.name}: another process ingests it, too, and was first {_MAX_PLANS} times"
        " (or its row in the table ingestions is missing)"
    )


def waiting(con: duckdb.DuckDBPyConnection, kafka: KafkaSettings, stream: Stream) -> Plan:
    """What `ingest` would read now, without reading it."""
    name = stream.topic(kafka)
    topic = topic_ends(kafka, [name]).get(name)
    return Plan((), ()) if topic is None else plan(topic, positions(con, stream.name))


def _ingest(
    con: duckdb.DuckDBPyConnection,
    kafka: KafkaSettings,
    stream: Stream,
    topic: TopicEnds,
    total: Ingested,
) -> None:
    to_do = plan(topic, positions(con, stream.name))
    if to_do.gaps:
        record_gaps(con, stream.name, topic, to_do.gaps)
        total.gaps += to_do.gaps
    at = {span.partition: span.start for span in to_do.spans}
    if not to_do.spans:
        return
    for batch in batches(kafka, stream, topic.topic, to_do.spans):
        moves = {p: (at[p], end) for p, end in batch.next_offsets.items()}
        rows = _commit(con, stream, topic, batch, moves)
        at |= batch.next_offsets
        total.batches += 1
        total.messages += batch.messages
        total.rejected += len(batch.rejected)
        for table, count in rows.items():
            total.rows[table] += count


def _commit(
    con: duckdb.DuckDBPyConnection,
    stream: Stream,
    topic: TopicEnds,
    batch: Batch,
    moves: dict[int, tuple[int, int]],
) -> dict[str, int]:
    """Commit the rows and offsets of one batch together; returns rows inserted by table."""
    stage(con, stream, batch)

    def change() -> None:
        advance(con, stream.name, topic, moves, messages=batch.messages)
        for target in stream.targets:
            con.execute(f"INSERT INTO {target.table.name} FROM {staged(target.table.name)}")
        insert_rejected(con, topic.topic, batch.rejected)

    transaction(con, change)
    return {t.table.name: _count(con, staged(t.table.name)) for t in stream.targets}


def insert_rejected(
    con: duckdb.DuckDBPyConnection, topic: str, letters: Iterable[Rejected]
) -> None:
    """Keep what could not be read, within a transaction."""
    now = datetime.now(UTC).replace(tzinfo=None)
    for x in letters:
        con.execute(
            "INSERT INTO rejected VALUES (?, ?, ?, ?, ?, ?)",
            [topic, x.partition, x.offset, x.reason, x.value, now],
        )


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    row = con.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
    return 0 if row is None else int(row[0])
