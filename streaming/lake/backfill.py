"""Find messages that Kafka still has and the lake lacks, before the offset ingestion has reached.

For rows that retention took out of the lake, and for messages that an earlier version
rejected. Kept apart from ingestion: its offsets do not move, and what is in a table already,
by message and offset, is not written again.
"""

from datetime import UTC, datetime
from functools import partial

import duckdb

from streaming.lake.batch import Batch
from streaming.lake.ingest import Ingested, insert_rejected
from streaming.lake.offsets import positions
from streaming.lake.plan import Span, TopicEnds
from streaming.lake.source import batches, offsets_at, topic_ends
from streaming.lake.staging import stage, staged
from streaming.lake.streams import Stream
from streaming.lake.tables import Table
from streaming.lake.transaction import transaction
from streaming.settings import KafkaSettings


def backfill(
    con: duckdb.DuckDBPyConnection,
    kafka: KafkaSettings,
    stream: Stream,
    *,
    since: datetime | None = None,
) -> Ingested:
    """Add what is missing, from the topic's beginning or from `since` (Kafka's timestamps).

    What ingestion has not reached yet is left to it.

    Raises:
        KafkaUnreachable: the broker does not answer; batches committed so far stay.
        LakeUnavailable: other writers kept the lake busy.
    """
    total = Ingested(0, 0, {target.table.name: 0 for target in stream.targets}, 0)
    name = stream.topic(kafka)
    topic = topic_ends(kafka, [name]).get(name)
    if topic is None:
        return total
    starts = {} if since is None else offsets_at(kafka, topic, since)
    stored = positions(con, stream.name)
    spans = [
        Span(partition, start, reached)
        for partition, (low, _) in sorted(topic.ends.items())
        if (start := max(low, starts.get(partition, low)))
        < (reached := stored.get((topic.topic_id, partition), low))
    ]
    if not spans:
        return total
    for batch in batches(kafka, stream, topic.topic, spans):
        stage(con, stream, batch)
        rows, messages = transaction(con, partial(_insert, con, stream, topic, batch))
        total.batches += 1
        total.messages += messages
        for table, count in rows.items():
            total.rows[table] += count
    return total


def _insert(
    con: duckdb.DuckDBPyConnection, stream: Stream, topic: TopicEnds, batch: Batch
) -> tuple[dict[str, int], int]:
    """Rows by table and messages that were missing; within a transaction."""
    rows = {t.table.name: _insert_missing(con, t.table) for t in stream.targets}
    first = stream.targets[0].table.name
    (messages,) = con.execute(
        f"SELECT count(DISTINCT (kafka_partition, kafka_offset)) FROM missing_{first}"  # noqa: S608
    ).fetchone() or (0,)
    known = con.execute(
        "SELECT kafka_partition, kafka_offset FROM rejected WHERE topic = ?", [topic.topic]
    ).fetchall()
    letters = [x for x in batch.rejected if (x.partition, x.offset) not in set(known)]
    insert_rejected(con, topic.topic, letters)
    # The row that two writers of one stream both change: the second begins its batch anew.
    con.execute(
        "UPDATE ingestions SET batches = batches + 1, messages = messages + ?, committed_at = ?"
        " WHERE stream = ?",
        [messages + len(letters), datetime.now(UTC).replace(tzinfo=None), stream.name],
    )
    return rows, messages


def _insert_missing(con: duckdb.DuckDBPyConnection, into: Table) -> int:
    table, message = into.name, into.columns[0].name  # its id, or its task's
    same = " AND ".join(
        f"t.{column} = s.{column}"
        for column in (message, "captured_at", "kafka_partition", "kafka_offset")
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE missing_{table} AS
        FROM {staged(table)} s WHERE NOT EXISTS (FROM {table} t WHERE {same})
        """
    )
    con.execute(f"INSERT INTO {table} FROM missing_{table}")
    (count,) = con.execute(f"SELECT count(*) FROM missing_{table}").fetchone() or (0,)  # noqa: S608
    return int(count)
