"""Was each camera there, and what did it see?"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from streaming.markdown import share
from streaming.plot_style import GREEN, RED
from trafficmon_dagster.defs.reports.report import Column, Picture, Report, Table
from trafficmon_dagster.defs.reports.report_asset import report_asset
from trafficmon_dagster.defs.reports.window import Window
from trafficmon_dagster.names import report, table
from trafficmon_dagster.partitions import DAILY

if TYPE_CHECKING:
    import duckdb

    from streaming.settings import Settings

_TITLE = "Cameras: uptime and activity"
_INTERVALS_MISSED = 5
_AT_LEAST_S = 30.0
_NOT_IN_THE_LAKE_YET = timedelta(minutes=5)
_MOST_SPELLS = 15
_UPTIME_EXPLAINED = (
    "A camera counts from its first frame of this day or the day before on. It is offline where no"
    " frame came for {:g} s: five intervals, and no less than 30 s."
)


@dataclass(frozen=True, slots=True)
class Spell:
    """A time without a frame; `end` is None while it lasts."""

    camera_id: str
    begin: datetime
    end: datetime | None
    seconds: float


def figures(con: "duckdb.DuckDBPyConnection", window: Window, settings: "Settings") -> Report:
    """Uptime, offline spells and activity of each camera in a day, and its risk by hour."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE frames AS"
        " SELECT camera_id, captured_at, object_count, group_count FROM detections"
        " WHERE captured_at >= ? AND captured_at < ?",
        [window.start - (window.end - window.start), window.end],
    )
    cameras = con.execute(
        """
        SELECT camera_id, greatest(min(captured_at), $start),
               count(*) FILTER (captured_at >= $start),
               coalesce(sum(object_count) FILTER (captured_at >= $start), 0),
               coalesce(sum(group_count) FILTER (captured_at >= $start), 0),
               avg(object_count) FILTER (captured_at >= $start)
        FROM frames GROUP BY camera_id ORDER BY try_cast(camera_id AS BIGINT), camera_id
        """,
        {"start": window.start},
    ).fetchall()
    if not cameras:
        return Report(_TITLE, "No camera gave a frame in this time.", {"cameras": 0})
    offline_s = max(_AT_LEAST_S, _INTERVALS_MISSED * settings.detection.interval_s)
    until = _known_until(con, window)
    spells = _offline_spells(con, window.start, until, offline_s)
    away_s: defaultdict[str, float] = defaultdict(float)
    for spell in spells:
        away_s[spell.camera_id] += spell.seconds
    risky = dict(
        con.execute(
            "SELECT camera_id, count(*) FILTER (risk_level IN ('medium', 'high')) FROM verdicts"
            " WHERE captured_at >= ? AND captured_at < ? GROUP BY camera_id",
            [window.start, window.end],
        ).fetchall()
    )
    names = {camera.id: camera.name for camera in settings.cameras}
    rows = []
    for camera_id, first, frames, objects, groups, density in cameras:
        watched_s = max((until - first).total_seconds(), 1e-9)
        uptime = max(0.0, 1 - away_s[camera_id] / watched_s)
        count = sum(spell.camera_id == camera_id for spell in spells)
        rows.append(
            (camera_id, names.get(camera_id), uptime, count, away_s[camera_id], frames,
             int(objects), density, int(groups), risky.get(camera_id, 0))
        )  # fmt: skip
    away_now = sum(spell.end is None for spell in spells)
    return Report(
        _TITLE,
        f"{len(cameras)} cameras, uptime {share(sum(r[2] for r in rows) / len(rows))} on average;"
        f" {len(spells)} offline spells, {away_now} last on.",
        {
            "cameras": len(cameras),
            "uptime": sum(row[2] for row in rows) / len(rows),
            "uptime_of_the_worst": min(row[2] for row in rows),
            "offline_spells": len(spells),
            "offline_now": away_now,
            "frames": sum(row[5] for row in rows),
            "objects": sum(row[6] for row in rows),
        },
        [_picture(con, window, until, spells, [(c[0], c[1]) for c in cameras])],
        [
            Table(
                "by_camera",
                "By camera",
                (Column("Camera"), Column("Name"), Column("Uptime", share),
                 Column("Offline spells"), Column("Offline, s", round), Column("Frames"),
                 Column("Road users"), Column("Road users a frame", lambda v: f"{v:.1f}"),
                 Column("Groups"), Column("Medium or high risk")),
                rows,
                _UPTIME_EXPLAINED.format(offline_s),
            ),
            Table(
                "offline_spells",
                "Offline spells, the longest first",
                (Column("Camera"), Column("From", window.clock), Column("To", window.clock),
                 Column("Seconds", round)),
                [(s.camera_id, s.begin, s.end, s.seconds) for s in spells[:_MOST_SPELLS]],
            ),
        ],
    )  # fmt: skip


def _offline_spells(
    con: "duckdb.DuckDBPyConnection", since: datetime, until: datetime, offline_s: float
) -> list[Spell]:
    """Longer than `offline_s` without a frame, as far as in the time; the longest first."""
    found = con.execute(
        """
        WITH following AS (
          SELECT camera_id, captured_at,
                 lead(captured_at) OVER (PARTITION BY camera_id ORDER BY captured_at) AS next_at
          FROM frames)
        SELECT camera_id, greatest(captured_at, $since) AS begins, next_at,
               epoch(coalesce(next_at, $until) - begins) AS seconds
        FROM following
        WHERE epoch(coalesce(next_at, $until) - captured_at) > $offline_s AND seconds > 0
        ORDER BY seconds DESC, camera_id
        """,
        {"since": since, "until": until, "offline_s": offline_s},
    ).fetchall()
    return [Spell(*row) for row in found]


def _known_until(con: "duckdb.DuckDBPyConnection", window: Window) -> datetime:
    """Until when the lake tells: what came in the last minutes may not be in it yet."""
    (last,) = con.execute("SELECT max(captured_at) FROM frames").fetchone() or (window.start,)
    return min(window.end, max(last, window.seen_until - _NOT_IN_THE_LAKE_YET))


def _picture(
    con: "duckdb.DuckDBPyConnection",
    window: Window,
    until: datetime,
    spells: list[Spell],
    cameras: list[tuple[str, datetime]],
) -> Picture:
    from trafficmon_dagster.defs.reports import plot, shapes

    names = [camera_id for camera_id, _ in cameras]
    online = []
    for camera_id, first in cameras:
        own = sorted((s for s in spells if s.camera_id == camera_id), key=lambda s: s.begin)
        begins = [first, *(spell.end or until for spell in own)]
        ends = [*(spell.begin for spell in own), until]
        pairs = zip(begins, ends, strict=True)
        online.append([(window.local(begin), window.local(end)) for begin, end in pairs])
    hour = timedelta(hours=1)
    risks = con.execute(
        """
        SELECT camera_id, floor(epoch(captured_at - ?::TIMESTAMP) / 3600)::INTEGER, count(*)
        FROM verdicts WHERE risk_level IN ('medium', 'high')
          AND captured_at >= ? AND captured_at < ? GROUP BY ALL
        """,
        [window.start, window.start, window.end],
    ).fetchall()
    cells = {(names.index(name), column): float(n) for name, column, n in risks if name in names}
    hours = round((window.end - window.start) / hour)
    at = [window.local(window.start + hour * n) for n in range(hours)]
    day = (window.local(window.start), window.local(window.start) + hour * hours)
    labels = [f"camera {name}" for name in names]
    return plot.picture(
        "When each camera was online, and its verdicts of medium and high risk by hour",
        {
            "online": lambda axes: shapes.spells(
                axes, labels, online, f"Online ({window.zone})", window=day, color=GREEN
            ),
            "risk": lambda axes: shapes.grid(
                axes,
                labels,
                at,
                cells,
                "Medium and high risk by hour",
                width=hour,
                color=RED,
            ),
        },
        [["online", "risk"]],
        max(2.6, 1.4 + 0.28 * len(names)),
    )


camera_report = report_asset(
    report("camera"), figures, DAILY, deps=[table("detections"), table("assessments")]
)
