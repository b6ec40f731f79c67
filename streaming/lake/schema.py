"""The lake's tables and views: created in a new lake, brought up to date in an older one.

A version is a step from the one before it, all or nothing, and a row in `schema_versions`.
Readers go on meanwhile: they see the tables as they were, or as they are.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import duckdb

from streaming.lake.catalog import ALIAS, LakeUnavailable
from streaming.lake.tables import (
    ALERTS,
    BENCHMARKS,
    INGESTED_OFFSETS,
    INGESTIONS,
    LLM_CALLS,
    SCHEMA_VERSIONS,
    SKIPPED_GROUPS,
    TABLES,
    Table,
)
from streaming.lake.transaction import transaction
from streaming.lake.views import VIEWS

STREAMS = ("detections", "tasks", "assessments", "skipped")


def ensure_schema(con: duckdb.DuckDBPyConnection) -> None:
    """Create what a new lake lacks, migrate an older one; one that is up to date stays as it is.

    Raises:
        LakeUnavailable: the lake was written by a newer Trafficmon, or stayed busy.
    """
    found = version(con)
    if found is not None:
        for step in pending(found):
            transaction(con, partial(_migrate, con, step))
        return

    transaction(con, lambda: _create_new(con))


@dataclass(frozen=True, slots=True)
class Step:
    """From version `to - 1` to `to`; `change` runs in a transaction of its own."""

    to: int
    description: str
    change: Callable[[duckdb.DuckDBPyConnection], None]


def pending(found: int) -> tuple[Step, ...]:
    """What a lake of version `found` still has to go through.

    Raises:
        LakeUnavailable: it was written by a newer Trafficmon.
    """
    if found > VERSION:
        raise LakeUnavailable(f"the lake has schema {found}, this version knows {VERSION}: upgrade")
    return tuple(step for step in STEPS if step.to > found)


def _migrate(con: duckdb.DuckDBPyConnection, step: Step) -> None:
    # Another process may have been first.
    if (version(con) or 0) >= step.to:
        return
    step.change(con)
    if step.to == VERSION:  # a view may ask what only the last step made
        _create_views(con)
    con.execute("INSERT INTO schema_versions VALUES (?, ?)", [step.to, _now()])


def _skipped_groups(con: duckdb.DuckDBPyConnection) -> None:
    _create_all(con, [SKIPPED_GROUPS])
    con.execute("INSERT INTO ingestions VALUES ('skipped', 0, 0, NULL)")


def _labels_of_alerts(con: duckdb.DuckDBPyConnection) -> None:
    for column in ALERTS.columns:
        if column.name in ("alert", "metric", "labels"):
            con.execute(f"ALTER TABLE alerts ADD COLUMN {column.name} {column.type}")
            comment = _quoted(column.description)
            con.execute(f"COMMENT ON COLUMN alerts.{column.name} IS {comment}")


def _rows_into_files(con: duckdb.DuckDBPyConnection) -> None:
    """Rows kept in the catalog were gone for readers while upkeep wrote them to files."""
    for table in (INGESTED_OFFSETS, INGESTIONS):
        option = f"'data_inlining_row_limit', 0, table_name => '{table.name}'"
        con.execute(f"CALL {ALIAS}.set_option({option})")
        con.execute(f"ALTER TABLE {table.name} SET PARTITIONED BY ({table.parted_by})")
    con.execute(f"CALL ducklake_flush_inlined_data('{ALIAS}')")


STEPS: tuple[Step, ...] = (
    Step(2, "table skipped_groups, filled from its topic; view alerts_by_type", _skipped_groups),
    Step(3, "columns alert, metric and labels of alerts", _labels_of_alerts),
    Step(4, "table benchmarks", lambda con: _create_all(con, [BENCHMARKS])),
    Step(
        5,
        "table llm_calls, filled from assessments to come; view key_activity",
        lambda con: _create_all(con, [LLM_CALLS]),
    ),
    Step(6, "no rows in the catalog: those that are there become files", _rows_into_files),
)
VERSION = 1 + len(STEPS)


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


def _create_new(con: duckdb.DuckDBPyConnection) -> None:
    if version(con) is not None:
        return
    _create_all(con, TABLES)
    _create_views(con)
    for stream in STREAMS:
        con.execute("INSERT INTO ingestions VALUES (?, 0, 0, NULL)", [stream])
    con.execute("INSERT INTO schema_versions VALUES (?, ?)", [VERSION, _now()])


def _create_views(con: duckdb.DuckDBPyConnection) -> None:
    for view in VIEWS:
        con.execute(f"CREATE OR REPLACE VIEW {view.name} AS {view.sql}")
        con.execute(f"COMMENT ON VIEW {view.name} IS {_quoted(view.description)}")


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
    elif table.parted_by:
        con.execute(f"ALTER TABLE {name} SET PARTITIONED BY ({table.parted_by})")
    if table.sorted_by:
        con.execute(f"ALTER TABLE {name} SET SORTED BY ({', '.join(table.sorted_by)})")


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
