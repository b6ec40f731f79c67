"""Give each query one consistent state of the lake, even while upkeep merges files."""

from collections.abc import Callable
from typing import TypeVar

import duckdb

from streaming.lake.catalog import ALIAS, LakeUnavailable
from streaming.lake.transaction import roll_back

T = TypeVar("T")
_ATTEMPTS = 5


def of_one_state(con: duckdb.DuckDBPyConnection, question: Callable[[], T]) -> T:
    """Run `question` in a transaction; repeat it if files were merged meanwhile.

    Merging takes the merged files out of the catalog. DuckDB reads a catalog in SQLite with
    several connections, so a question that reads it at that very moment finds neither the old
    files nor the new one, and misses their rows. (All other changes leave the old state in place.)

    Raises:
        LakeUnavailable: files were merged during each of five attempts.
    """
    for _ in range(_ATTEMPTS):
        con.execute("BEGIN")
        try:
            row = con.execute(f"FROM ducklake_current_snapshot('{ALIAS}')").fetchone()
            snapshot = 0 if row is None else int(row[0])
            answer = question()
            if not _merged_since(con, snapshot):
                con.execute("COMMIT")
                return answer
        except BaseException:
            roll_back(con)
            raise
        roll_back(con)
    raise LakeUnavailable("the lake's files are being merged all the time: ask again later")


def _merged_since(con: duckdb.DuckDBPyConnection, snapshot: int) -> bool:
    # In a transaction of its own: ours sees the state that it began with.
    with con.cursor() as now:
        row = now.execute(
            f"SELECT count(*) FROM ducklake_snapshots('{ALIAS}')"  # noqa: S608
            " WHERE snapshot_id > ? AND map_contains(changes, 'merge_adjacent')",
            [snapshot],
        ).fetchone()
    return row is not None and bool(row[0])
