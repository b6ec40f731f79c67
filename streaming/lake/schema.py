"""The lake's tables and views, created once; each version of them is written down."""

from collections.abc import Iterable
from datetime import UTC, datetime

import duckdb

from streaming.lake.catalog import ALIAS, LakeUnavailable
from streaming.lake.tables import SCHEMA_VERSIONS, TABLES, Table
from streaming.lake.transaction import retried, transaction
from streaming.lake.views import VIEWS

VERSION = 1
STREAMS = ("detections", "tasks", "assessments")
_INLINE_ROWS = 100_000


def ensure_schema(con: duckdb.DuckDBPyConnection) -> None:
    """Create what a new lake lacks; nothing happens to one that is up to date.

    Raises:
        LakeUnavailable: the lake was written by a newer Trafficmon, or stayed busy.
    """
    found = version(con)
    if found == VERSION:
        return
    if found is not None and found > VERSION:
        raise LakeUnavailable(f"the lake has schema {found}, this version knows {VERSION}: upgrade")

    # An option of a table can be set only once the table is committed; a crash on the way
    # leaves no version, and the next writer does the same again.
    inlined = [table for table in TABLES if table.inlined]
    transaction(con, lambda: _create_all(con, inlined))
    for table in inlined:
        _keep_in_catalog(con, table.name)
    transaction(con, lambda: _create_rest(con))


def _keep_in_catalog(con: duckdb.DuckDBPyConnection, table: str) -> None:
    option = f"'data_inlining_row_limit', {_INLINE_ROWS}, table_name => '{table}'"
    retried(lambda: con.execute(f"CALL {ALIAS}.set_option({option})"))


def version(con: duckdb.DuckDBPyConnection) -> int | None:
    """The schema's version, or None in a lake without tables."""
    exists = con.execute(
        "SELECT 1 FROM duckdb_tables() WHERE database_name = ? AND table_name = ?",
        [ALIAS, SCHEMA_VERSIONS.name],
    ).fetchone()
    if exists is None:
        return None
    row = con.execute("SELECT max(version) FROM schema_versions").fetchone()
    return None if row is None else row[0]


def _create_all(con: duckdb.DuckDBPyConnection, tables: Iterable[Table]) -> None:
    existing = {
        name
        for (name,) in con.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = ?", [ALIAS]
        ).fetchall()
    }
    for table in tables:
        if table.name not in existing:
            _create(con, table)


def _create_rest(con: duckdb.DuckDBPyConnection) -> None:
    if version(con) is not None:
        return
    _create_all(con, TABLES)
    for view in VIEWS:
        con.execute(f"CREATE VIEW {view.name} AS {view.sql}")
        con.execute(f"COMMENT ON VIEW {view.name} IS {_quoted(view.description)}")
    for stream in STREAMS:
        con.execute("INSERT INTO ingestions VALUES (?, 0, 0, NULL)", [stream])
    now = datetime.now(UTC).replace(tzinfo=None)
    con.execute("INSERT INTO schema_versions VALUES (?, ?)", [VERSION, now])


def _create(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    name = table.name
    columns = ", ".join(f"{c.name} {c.type}" for c in table.columns)
    con.execute(f"CREATE TABLE {name} ({columns})")
    con.execute(f"COMMENT ON TABLE {name} IS {_quoted(table.description)}")
    for column in table.columns:
        comment = _quoted(column.description)
        con.execute(f"COMMENT ON COLUMN {name}.{column.name} IS {comment}")
    if table.day_of:
        parts = ", ".join(f"{unit}({table.day_of})" for unit in ("year", "month", "day"))
        con.execute(f"ALTER TABLE {name} SET PARTITIONED BY ({parts})")
    if table.sorted_by:
        con.execute(f"ALTER TABLE {name} SET SORTED BY ({', '.join(table.sorted_by)})")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
