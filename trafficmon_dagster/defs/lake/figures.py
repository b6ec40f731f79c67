"""What a table holds, for its page in the web UI."""

import duckdb

from streaming.lake.tables import Table


def row_count(con: duckdb.DuckDBPyConnection, table: Table) -> int:
    """All its rows."""
    return _number(con, f"SELECT count(*) FROM {table.name}")  # noqa: S608


def repeated(con: duckdb.DuckDBPyConnection, table: Table) -> int:
    """Rows of the last day whose message is in the table more than once; there should be none.

    Offsets alone would not tell: they begin anew when a topic is recreated.
    """
    identity = "task_id" if "task_id" in table.column_names else "message_id"
    return _number(
        con,
        f"SELECT count(*) - count(DISTINCT ({identity}, kafka_partition, kafka_offset))"  # noqa: S608
        f" FROM {table.name} WHERE captured_at > now()::TIMESTAMP - INTERVAL 1 DAY",
    )


def _number(con: duckdb.DuckDBPyConnection, query: str) -> int:
    row = con.execute(query).fetchone()
    return 0 if row is None else int(row[0])
