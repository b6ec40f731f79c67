"""Where it is dangerous, and in what way."""

from typing import TYPE_CHECKING

from streaming import plot_style
from streaming.markdown import share
from trafficmon_dagster.defs.reports.report import Column, Picture, Report, Row, Table
from trafficmon_dagster.defs.reports.report_asset import report_asset
from trafficmon_dagster.defs.reports.window import Window
from trafficmon_dagster.names import report, table
from trafficmon_dagster.partitions import DAILY

if TYPE_CHECKING:
    import duckdb

    from streaming.settings import Settings

_TITLE = "Risk: types, hot spots, trend"
_LEVELS = ("high", "medium", "low", "none", "unknown")
_JUDGED = """
    SELECT captured_at, camera_id, risk_level, confidence, risk_types,
           if(risk_level IN ('medium', 'high'), description, NULL) AS description
    FROM verdicts
"""
_COUNTS = ", ".join(f"count(*) FILTER (risk_level = '{level}')" for level in _LEVELS)
_HOT_SPOTS = 12
_WORST = 20
_TREND_DAYS = 7


def figures(con: "duckdb.DuckDBPyConnection", window: Window, settings: "Settings") -> Report:
    """Verdicts of a day by level, type and camera, the worst of them, and the days before."""
    before = window.start - (window.end - window.start) * (_TREND_DAYS - 1)
    from streaming.lake.portions import gather

    gather(con, "judged", _JUDGED, since=before, until=window.end)
    con.execute(
        "CREATE OR REPLACE TEMP VIEW today AS FROM judged"
        f" WHERE captured_at >= TIMESTAMP '{window.start}'"
    )
    levels = dict(con.execute("SELECT risk_level, count(*) FROM today GROUP BY 1").fetchall())
    verdicts = sum(levels.values())
    if not verdicts:
        return Report(_TITLE, "No verdict was given in this time.", {"verdicts": 0})
    high, medium = levels.get("high", 0), levels.get("medium", 0)
    names = {camera.id: camera.name for camera in settings.cameras}
    spots = _spots(con)
    return Report(
        _TITLE,
        f"{high:,} verdicts of high and {medium:,} of medium risk among {verdicts:,};"
        f" most at camera {spots[0][0]} ({names.get(spots[0][0], 'no name')})."
        if high + medium
        else f"None of {verdicts:,} verdicts is of medium or high risk.",
        {
            "verdicts": verdicts,
            **{level: levels.get(level, 0) for level in _LEVELS},
            "share_of_medium_and_high": (high + medium) / verdicts,
        },
        [_picture(con, window, spots)],
        [
            Table(
                "types",
                "What is dangerous, in verdicts of medium and high risk",
                (Column("Type"), Column("High"), Column("Medium"), Column("Share", share),
                 Column("Cameras"), Column("Last", window.clock)),
                _types(con),
            ),
            Table(
                "hot_spots",
                "Where, the most dangerous cameras first",
                (Column("Camera"), Column("Name"), *(Column(n.capitalize()) for n in _LEVELS),
                 Column("Medium and high", share)),
                [(row[0], names.get(row[0]), *row[1:]) for row in spots],
            ),
            Table(
                "worst",
                "The worst verdicts",
                (Column("At", window.clock), Column("Camera"), Column("Level"),
                 Column("Confidence", share), Column("Types"), Column("What the model saw")),
                _worst(con),
            ),
            Table(
                "trend",
                f"The last {_TREND_DAYS} days",
                (Column("Day"), Column("Verdicts"), *(Column(n.capitalize()) for n in _LEVELS)),
                _trend(con, window),
            ),
        ],
    )  # fmt: skip


def _types(con: "duckdb.DuckDBPyConnection") -> list[Row]:
    return list(
        con.execute(
            """
        WITH risky AS (FROM today WHERE risk_level IN ('medium', 'high')),
             named AS (SELECT *, unnest(list_distinct(risk_types)) AS risk_type FROM risky)
        SELECT risk_type, count(*) FILTER (risk_level = 'high'),
               count(*) FILTER (risk_level = 'medium'), count(*) / (SELECT count(*) FROM risky),
               count(DISTINCT camera_id), max(captured_at)
        FROM named GROUP BY risk_type ORDER BY count(*) DESC, risk_type
        """
        ).fetchall()
    )


def _spots(con: "duckdb.DuckDBPyConnection") -> list[Row]:
    return list(
        con.execute(
            f"""
        SELECT camera_id, {_COUNTS},
               count(*) FILTER (risk_level IN ('medium', 'high')) / count(*)
        FROM today GROUP BY camera_id
        ORDER BY count(*) FILTER (risk_level IN ('medium', 'high')) DESC, camera_id
        """  # noqa: S608
        ).fetchall()
    )


def _worst(con: "duckdb.DuckDBPyConnection") -> list[Row]:
    return list(
        con.execute(
            f"""
        SELECT captured_at, camera_id, risk_level, confidence,
               array_to_string(risk_types, ', '), description
        FROM today WHERE risk_level IN ('medium', 'high')
        ORDER BY risk_level = 'high' DESC, confidence DESC, captured_at DESC LIMIT {_WORST}
        """  # noqa: S608
        ).fetchall()
    )


def _trend(con: "duckdb.DuckDBPyConnection", window: Window) -> list[Row]:
    length = window.end - window.start
    found = con.execute(
        f"SELECT time_bucket(?, captured_at, ?) AS day, count(*), {_COUNTS}"  # noqa: S608
        " FROM judged GROUP BY day ORDER BY day DESC",
        [length, window.start],
    ).fetchall()
    return [(f"{window.local(row[0]):%Y-%m-%d}", *row[1:]) for row in found]


def _picture(con: "duckdb.DuckDBPyConnection", window: Window, spots: list[Row]) -> Picture:
    from trafficmon_dagster.defs.reports import plot, shapes

    found = con.execute(
        f"SELECT time_bucket(?, captured_at, ?) AS hour, {_COUNTS} FROM today"  # noqa: S608
        " GROUP BY hour ORDER BY hour",
        [window.step, window.start],
    ).fetchall()
    at = [window.local(row[0]) for row in found]
    by_time = {
        level: (plot.LEVELS[level], [row[place] for row in found])
        for place, level in enumerate(_LEVELS, 1)
        if level in ("high", "medium", "low")
    }
    hottest = [row for row in spots if row[1] + row[2]][:_HOT_SPOTS]
    parts = {
        "high": (plot_style.RED, [row[1] for row in hottest]),
        "medium": (plot_style.AMBER, [row[2] for row in hottest]),
    }
    names = [f"camera {row[0]}" for row in hottest]
    written = [f"{row[6]:.0%}" for row in hottest]
    return plot.picture(
        "Verdicts over time by level, and by camera",
        {
            "time": lambda axes: shapes.stacked(
                axes, at, by_time, f"Verdicts ({window.zone})", width=window.step
            ),
            "spots": lambda axes: shapes.rows(
                axes, names, parts, "Hot spots, with their share", written
            ),
        },
        [["time", "spots"]],
        max(3.2, 1.4 + 0.28 * len(hottest)),
    )


risk_report = report_asset(report("risk"), figures, DAILY, deps=[table("assessments")])
