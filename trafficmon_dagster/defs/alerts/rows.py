"""The lake's `alerts`: written, and asked what fires."""

from collections.abc import Iterable
from datetime import UTC, datetime

import duckdb

from streaming.lake.transaction import transaction
from streaming.notify import Notice

_INSERT = """
INSERT INTO alerts SELECT * FROM (VALUES ($at, $rule, $state, $severity, $value, $threshold,
    $message, $id, $metric, $labels::MAP(VARCHAR, VARCHAR))) AS new
WHERE NOT EXISTS (
    SELECT 1 FROM alerts WHERE alert = $id AND state = $state AND changed_at = $at)
"""
_FIRING = """
SELECT alert, arg_max(severity, changed_at), max(changed_at) AS since, arg_max(message, changed_at)
FROM alerts WHERE alert IS NOT NULL GROUP BY alert
HAVING arg_max(state, changed_at) = 'firing' ORDER BY since
"""


def write(con: duckdb.DuckDBPyConnection, notices: Iterable[Notice]) -> None:
    """A row each, all or none; one that is there already, from a run that died, is left.

    Raises:
        LakeUnavailable: another writer was first, twelve times.
    """
    rows = [_row(notice) for notice in notices]

    def change() -> None:
        for row in rows:
            con.execute(_INSERT, row)

    if rows:
        transaction(con, change)


def firing(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str, datetime, str]]:
    """What fires now, by the rows: alert, severity, since when (UTC, no zone), message."""
    found: list[tuple[str, str, datetime, str]] = con.execute(_FIRING).fetchall()
    return found


def row_count(con: duckdb.DuckDBPyConnection) -> int:
    """All rows."""
    row = con.execute("SELECT count(*) FROM alerts").fetchone()
    return 0 if row is None else int(row[0])


def _row(notice: Notice) -> dict[str, object]:
    return {
        "at": notice.at.astimezone(UTC).replace(tzinfo=None),
        "rule": notice.rule,
        "state": notice.state,
        "severity": notice.severity,
        "value": notice.value,
        "threshold": notice.threshold,
        "message": notice.message,
        "id": notice.id,
        "metric": notice.metric,
        "labels": notice.labels,
    }
