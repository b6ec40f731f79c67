"""What keeps the lake small and quick; safe while others read and write."""

from datetime import timedelta

import duckdb

from streaming.lake.catalog import ALIAS

_ORPHAN_AFTER = "INTERVAL 1 DAY"
"""Younger files that nothing names may belong to a transaction under way."""


def tidy(con: duckdb.DuckDBPyConnection, *, keep: timedelta) -> dict[str, int]:
    """Write inlined rows out, merge small files, forget snapshots older than `keep`.

    Returns how many files were merged, snapshots expired and files removed.
    """
    con.execute(f"CALL ducklake_flush_inlined_data('{ALIAS}')")
    merged = con.execute(f"CALL ducklake_merge_adjacent_files('{ALIAS}')").fetchall()
    expired = con.execute(
        f"CALL ducklake_expire_snapshots('{ALIAS}', older_than =>"
        f" (now() - INTERVAL {int(keep.total_seconds())} SECOND))"
    ).fetchall()
    removed = con.execute(
        f"CALL ducklake_cleanup_old_files('{ALIAS}', older_than => now() - INTERVAL 1 HOUR)"
    ).fetchall()
    orphans = con.execute(
        f"CALL ducklake_delete_orphaned_files('{ALIAS}', older_than => now() - {_ORPHAN_AFTER})"
    ).fetchall()
    return {
        "merges": len(merged),
        "snapshots_expired": len(expired),
        "files_removed": len(removed),
        "orphans_removed": len(orphans),
    }
