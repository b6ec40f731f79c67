"""`warehouse.duckdb`: the latest days of the lake in one file, for tools that need a file."""

import os
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from streaming.lake.catalog import ALIAS, opened
from streaming.lake.one_state import of_one_state
from streaming.lake.tables import TABLES, Table
from streaming.lake.views import VIEWS
from streaming.settings import Settings

FILE_NAME = "warehouse.duckdb"


@dataclass(frozen=True, slots=True)
class Published:
    """The contents of the file."""

    file: Path
    rows: dict[str, int]
    size_bytes: int
    seconds: float


def publish(settings: Settings, *, now: datetime) -> Published:
    """Rewrite the file and replace the old one atomically.

    One state of the lake, `lake.warehouse_days` back from `now` (UTC, no zone). Who has the
    old file open keeps it.

    Raises:
        LakeUnavailable: there is no lake yet.
    """
    begun_s = time.monotonic()
    file = settings.state_dir / "lake" / FILE_NAME
    draft = file.with_name(f".{FILE_NAME}.{os.getpid()}")
    since = now - timedelta(days=settings.lake.warehouse_days)
    draft.unlink(missing_ok=True)
    try:
        with opened(settings, read_only=True) as con:
            con.execute(f"ATTACH '{_escaped(str(draft))}' AS warehouse")
            rows = of_one_state(con, lambda: _copy_all(con, since))
            con.execute(f"USE {ALIAS}")
            con.execute("DETACH warehouse")
        size_bytes = draft.stat().st_size
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    return Published(file, rows, size_bytes, time.monotonic() - begun_s)


def _copy_all(con: duckdb.DuckDBPyConnection, since: datetime) -> dict[str, int]:
    rows = {table.name: _copy(con, table, since) for table in TABLES}
    con.execute("USE warehouse")
    for view in VIEWS:
        con.execute(f"CREATE VIEW {view.name} AS {view.sql}")
        con.execute(f"COMMENT ON VIEW {view.name} IS '{_escaped(view.description)}'")
    return rows


def _copy(con: duckdb.DuckDBPyConnection, table: Table, since: datetime) -> int:
    name = f"warehouse.{table.name}"
    newest = "" if table.day_of is None else f"WHERE {table.day_of} >= TIMESTAMP '{since}'"
    con.execute(f"CREATE TABLE {name} AS FROM {ALIAS}.{table.name} {newest}")
    con.execute(f"COMMENT ON TABLE {name} IS '{_escaped(table.description)}'")
    for column in table.columns:
        comment = _escaped(column.description)
        con.execute(f"COMMENT ON COLUMN {name}.{column.name} IS '{comment}'")
    (count,) = con.execute(f"SELECT count(*) FROM {name}").fetchone() or (0,)  # noqa: S608
    return int(count)


def _escaped(text: str) -> str:
    return text.replace("'", "''")
