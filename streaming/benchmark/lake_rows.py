"""Rows of the benchmark's lake that did not come through Kafka: copies on other days."""

import duckdb

from streaming.lake import ask
from streaming.settings import Settings

_OTHER_ID = "regexp_replace(md5(message_id || $n), '^(.{8})(.{4})(.{4})(.{4})', '\\1-\\2-\\3-\\4-')"

_SEED_ROWS = 500_000
"""Copied at a time: temporary rows count against DuckDB's memory limit."""


def grow(con: duckdb.DuckDBPyConnection, *, rows: int, per_day: int) -> None:
    """Up to `rows` assessments, each with its task and its frame's detection."""
    (there,) = con.execute("SELECT count(*) FROM assessments").fetchone() or (0,)
    _accompany(con, "assessments")
    con.execute(f"CREATE TEMP TABLE seed AS FROM assessments LIMIT {_SEED_ROWS}")
    while there < rows:
        portion = min(there, _SEED_ROWS, rows - there)
        con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE copy AS
            SELECT * REPLACE (
              {_OTHER_ID} AS message_id,
              captured_at + to_seconds($shift_s) AS captured_at,
              assessed_at + to_seconds($shift_s) AS assessed_at)
            FROM seed LIMIT $portion
            """,  # noqa: S608
            {"n": there, "shift_s": there / per_day * 86_400, "portion": portion},
        )
        con.execute("UPDATE copy SET task_id = message_id || ':' || group_index")
        con.execute("INSERT INTO assessments FROM copy")
        _accompany(con, "copy")
        there += portion


def _accompany(con: duckdb.DuckDBPyConnection, assessments: str) -> None:
    """The tasks and detections that these assessments must have had."""
    con.execute(
        f"""
        INSERT INTO tasks
        SELECT task_id, message_id, camera_id, group_index, group_count, captured_at,
               captured_at + INTERVAL 45 MILLISECOND, captured_at + INTERVAL 30 SECOND, 50, 4,
               100, 100, 180, 160, 0.5, 60, 40, 60, NULL, 0.4, kafka_partition, kafka_offset
        FROM {assessments}
        """  # noqa: S608
    )
    con.execute(
        f"""
        INSERT INTO detections
        SELECT message_id, camera_id, captured_at, captured_at + INTERVAL 40 MILLISECOND,
               kafka_offset, 640, 360, 0, 2, 0.4, 4.1, 'builtin', kafka_partition, kafka_offset
        FROM {assessments} WHERE group_index = 0
        """  # noqa: S608
    )


def size(con: duckdb.DuckDBPyConnection, settings: Settings, table: str) -> tuple[int, int]:
    """Rows of a table, and the bytes of its files."""
    (rows,) = con.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,)  # noqa: S608
    answer = ask(
        settings,
        f"SELECT file_size_bytes FROM ducklake_table_info('lake') WHERE table_name = '{table}'",  # noqa: S608
    )
    return int(rows), int(answer.rows[0][0])
