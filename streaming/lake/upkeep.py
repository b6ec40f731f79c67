"""Keep the lake small and fast; safe while others read and write."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import duckdb

from streaming.lake.catalog import ALIAS, data_path
from streaming.lake.transaction import transaction
from streaming.settings import Settings

_ORPHAN_AFTER = "INTERVAL 1 DAY"
"""Younger files that nothing names may belong to a transaction under way."""

REMOVE_AFTER = "INTERVAL 1 HOUR"
"""Files that only expired snapshots name: a reader that began before may still be at them."""


def tidy(con: duckdb.DuckDBPyConnection, *, keep: timedelta) -> dict[str, int]:
    """Merge small files, forget snapshots older than `keep`.

    A reader's question must not take longer than `keep`: what only its snapshot shows goes.
    Returns how many files were merged, snapshots expired and files removed.
    """
    merged = con.execute(f"CALL ducklake_merge_adjacent_files('{ALIAS}')").fetchall()
    old = _older_snapshots(con, keep)
    if old:
        con.execute(f"CALL ducklake_expire_snapshots('{ALIAS}', versions => {old})")
    removed = con.execute(
        f"CALL ducklake_cleanup_old_files('{ALIAS}', older_than => {_days_before(REMOVE_AFTER)})"
    ).fetchall()
    orphans = con.execute(
        f"CALL ducklake_delete_orphaned_files('{ALIAS}',"
        f" older_than => {_days_before(_ORPHAN_AFTER)})"
    ).fetchall()
    return {
        "merges": len(merged),
        "snapshots_expired": len(old),
        "files_removed": len(removed),
        "orphans_removed": len(orphans),
    }


def _older_snapshots(con: duckdb.DuckDBPyConnection, keep: timedelta) -> list[int]:
    rows = con.execute(
        f"SELECT snapshot_id FROM ducklake_snapshots('{ALIAS}')"  # noqa: S608
        " WHERE snapshot_time <= now() - to_seconds(?)"
        f" AND snapshot_id < (SELECT max(snapshot_id) FROM ducklake_snapshots('{ALIAS}'))",
        [keep.total_seconds()],
    ).fetchall()
    return [int(row[0]) for row in rows]


def _days_before(age: str) -> str:
    """The last moment of the day before the one that was `age` ago.

    In a catalog in SQLite DuckLake compares times as text of two kinds ("T" and a blank before
    the hour), so of the same day all are older: only whole days are told apart rightly.
    """
    return f"(date_trunc('day', now() - {age}) - INTERVAL 1 SECOND)"


_AGE_OF = {"rejected": "rejected_at", "alerts": "changed_at"}


def retire(
    con: duckdb.DuckDBPyConnection, keep_days: Mapping[str, int], *, now: datetime
) -> dict[str, int]:
    """Delete what is older than its table's days, whole days at a time; rows by table.

    `now` is UTC without a zone; 0 days keeps for ever. The files go with the snapshots that
    still show them.
    """
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        table: transaction(con, partial(_delete, con, table, today - timedelta(days=days)))
        for table, days in keep_days.items()
        if days
    }


def _delete(con: duckdb.DuckDBPyConnection, table: str, before: datetime) -> int:
    age = _AGE_OF.get(table, "captured_at")
    row = con.execute(f"DELETE FROM {table} WHERE {age} < ?", [before]).fetchone()  # noqa: S608
    return 0 if row is None else int(row[0])


def data_bytes(settings: Settings) -> int | None:
    """What the data files take on disk; None where they are in object storage."""
    folder = data_path(settings)
    if "://" in folder:
        return None
    # A file may go while we look.
    return sum(file.stat().st_size for file in Path(folder).rglob("*.parquet") if file.exists())
