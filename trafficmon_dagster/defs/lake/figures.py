"""What a table holds, for its page in the web UI."""

from typing import Any

import duckdb

from streaming.lake.tables import Table

# Not now()::TIMESTAMP, which is in the machine's time zone: the lake's times are UTC.
_NOW = "(now() AT TIME ZONE 'UTC')"
_LAST_DAY = f"captured_at > {_NOW} - INTERVAL 1 DAY"


def row_count(con: duckdb.DuckDBPyConnection, table: Table) -> int:
    """All its rows."""
    return _number(con, f"SELECT count(*) FROM {table.name}")  # noqa: S608


def repeated(con: duckdb.DuckDBPyConnection, table: Table) -> int:
    """Rows of the last day whose message is in the table more than once; there should be none.

    Offsets alone would not tell: they begin anew when a topic is recreated.
    """
    identity = next(
        (name for name in ("task_id", "group_index") if name in table.column_names), "message_id"
    )
    return _number(
        con,
        f"SELECT count(*) - count(DISTINCT (message_id, {identity}, kafka_partition, kafka_offset))"  # noqa: S608
        f" FROM {table.name} WHERE {_LAST_DAY}",
    )


_IN_ORDER = {
    "detections": "captured_at <= produced_at",
    "tasks": "captured_at <= created_at AND created_at <= deadline_at",
    "assessments": "captured_at <= assessed_at AND queue_ms >= 0 AND llm_ms >= 0",
}
"""What holds of each row's times, end to end."""


def out_of_order(con: duckdb.DuckDBPyConnection, table: Table) -> int:
    """Rows of the last day whose times run backwards; verdicts also against their task's plan."""
    if table.name not in _IN_ORDER:
        return 0
    own = f"SELECT count(*) FROM {table.name} WHERE NOT ({_IN_ORDER[table.name]}) AND {_LAST_DAY}"  # noqa: S608
    planned_after = (
        "SELECT count(*) FROM assessments a JOIN tasks t USING (task_id, captured_at)"  # noqa: S608
        f" WHERE a.assessed_at < t.created_at AND {_LAST_DAY}"
    )
    queries = [own, planned_after] if table.name == "assessments" else [own]
    return sum(_number(con, query) for query in queries)


def unknown_share(con: duckdb.DuckDBPyConnection) -> tuple[int, float]:
    """Verdicts of the last hour, and the share of them without a risk level."""
    verdicts, unknown = con.execute(
        "SELECT count(*), count(*) FILTER (risk_level = 'unknown') FROM verdicts"  # noqa: S608
        f" WHERE captured_at > {_NOW} - INTERVAL 1 HOUR"
    ).fetchone() or (0, 0)
    return verdicts, unknown / verdicts if verdicts else 0.0


def gaps(con: duckdb.DuckDBPyConnection, topic: str) -> list[tuple[Any, ...]]:
    """What of a topic was found lost in the last day: partition, from, to, reason."""
    return list(
        con.execute(
            "SELECT kafka_partition, first_offset, next_offset, reason FROM ingestion_gaps"  # noqa: S608
            f" WHERE topic = ? AND found_at > {_NOW} - INTERVAL 1 DAY ORDER BY ALL",
            [topic],
        ).fetchall()
    )


def _number(con: duckdb.DuckDBPyConnection, query: str) -> int:
    row = con.execute(query).fetchone()
    return 0 if row is None else int(row[0])
