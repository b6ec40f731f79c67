"""How many tasks end well, and why the others do not."""

from typing import TYPE_CHECKING

from streaming.markdown import share
from trafficmon_dagster.defs.reports.report import Column, Picture, Report, Row, Table
from trafficmon_dagster.defs.reports.report_asset import report_asset
from trafficmon_dagster.defs.reports.window import Window
from trafficmon_dagster.names import report, table
from trafficmon_dagster.partitions import HOURLY

if TYPE_CHECKING:
    import duckdb

    from streaming.settings import Settings

_TITLE = "Success rate: how tasks ended"
_ENDED = """
    SELECT captured_at, camera_id, key_id, model, status, error_type, error_message, attempts
    FROM verdicts
"""
_ENDS = """
    count(*), count(*) FILTER (status = 'assessed'), count(*) FILTER (status = 'expired'),
    count(*) FILTER (status = 'failed'), count(*) FILTER (status = 'assessed') / count(*)
"""
_COLUMNS = (
    Column("Tasks"), Column("Assessed"), Column("Expired"), Column("Failed"),
    Column("Success", share),
)  # fmt: skip


def figures(con: "duckdb.DuckDBPyConnection", window: Window, _settings: "Settings") -> Report:
    """Tasks by how they ended: over time, by cause, camera, key and model.

    A task ends once: assessed, expired (nobody could ask in time) or failed (asked in vain).
    """
    from streaming.lake.portions import gather

    gather(con, "ended", _ENDED, since=window.start, until=window.end)
    ended, _, expired, failed, rate = _rows(con, "", "")[0]
    if not ended:
        return Report(_TITLE, "No task has ended in this time.", {"tasks": 0})
    causes = con.execute(
        """
        SELECT status, coalesce(error_type, '?'), count(*), count(*) / ?, any_value(error_message)
        FROM ended WHERE status <> 'assessed' GROUP BY ALL ORDER BY count(*) DESC, status, 2
        """,
        [ended],
    ).fetchall()
    tries = con.execute("SELECT avg(attempts) FROM ended WHERE attempts > 0").fetchone()
    return Report(
        _TITLE,
        f"{share(rate)} of {ended:,} tasks were assessed; {expired:,} expired, {failed:,} failed.",
        {
            "tasks": ended,
            "success_rate": rate,
            "expired": expired,
            "failed": failed,
            "attempts_per_task": tries[0] if tries else None,
        },
        [_picture(con, window)],
        [
            Table(
                "causes",
                "Why tasks were not assessed",
                (Column("End"), Column("Cause"), Column("Tasks"), Column("Share", share),
                 Column("For instance")),
                causes,
            ),
            _by(con, "by_camera", "By camera", "Camera", "camera_id"),
            _by(con, "by_key", "By API key that was asked last", "Key", "key_id"),
            _by(con, "by_model", "By model", "Model", "model"),
        ],
    )  # fmt: skip


def _rows(con: "duckdb.DuckDBPyConnection", name: str, rest: str) -> list[Row]:
    return list(con.execute(f"SELECT {name} {_ENDS} FROM ended {rest}").fetchall())  # noqa: S608


def _by(con: "duckdb.DuckDBPyConnection", name: str, title: str, head: str, column: str) -> Table:
    order = f"GROUP BY {column} ORDER BY try_cast({column} AS BIGINT), {column}"
    return Table(name, title, (Column(head), *_COLUMNS), _rows(con, f"{column},", order))


def _picture(con: "duckdb.DuckDBPyConnection", window: Window) -> Picture:
    from trafficmon_dagster.defs.reports import plot, shapes

    found = con.execute(
        f"SELECT time_bucket(?, captured_at, ?), {_ENDS} FROM ended GROUP BY 1 ORDER BY 1",  # noqa: S608
        [window.step, window.start],
    ).fetchall()
    at = [window.local(row[0]) for row in found]
    ends = {
        name: (color, [row[place] for row in found])
        for place, (name, color) in enumerate(plot.ENDS.items(), 2)
    }
    title = f"Tasks by how they ended ({window.zone})"
    return plot.picture(
        "Tasks over time by how they ended",
        {"ends": lambda axes: shapes.stacked(axes, at, ends, title, width=window.step)},
        [["ends"]],
        3.2,
    )


success_rate_report = report_asset(
    report("success_rate"), figures, HOURLY, deps=[table("assessments")]
)
