"""Copy rows of a long period into a temporary table, in parts that fit into DuckDB's memory."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

import duckdb

PORTION_TASKS = 400_000
"""Rows joined or counted at a time; joining 1.7 million at once exceeded 1 GB."""


def gather(
    con: duckdb.DuckDBPyConnection,
    name: str,
    query: str,
    *,
    since: datetime,
    until: datetime,
) -> None:
    """Fill the temporary table `name` with `query`, for frames captured from `since` to `until`.

    `query` is a SELECT without WHERE from a view or table that has `captured_at` (UTC).
    """
    con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query} LIMIT 0")
    for begin, end in _portions(con, since, until):
        con.execute(
            f"INSERT INTO {name} {query} WHERE captured_at >= ? AND captured_at < ?", [begin, end]
        )


def _portions(
    con: duckdb.DuckDBPyConnection, since: datetime, until: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """From `since` to `until` by days, which are the partitions; large ones in equal parts."""
    begin = since
    while begin < until:
        midnight = begin.replace(hour=0, minute=0, second=0, microsecond=0)
        end = min(until, midnight + timedelta(days=1))
        (count,) = con.execute(
            "SELECT count(*) FROM assessments WHERE captured_at >= ? AND captured_at < ?",
            [begin, end],
        ).fetchone() or (0,)
        parts = max(1, -(-count // PORTION_TASKS))
        times = [begin + (end - begin) / parts * n for n in range(parts)]
        yield from pairwise([*times, end])
        begin = end
