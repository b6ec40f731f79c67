"""How long verdicts take."""

from typing import TYPE_CHECKING

from streaming import plot_style
from streaming.markdown import ms, share
from trafficmon_dagster.defs.reports.report import Column, Picture, Report, Table
from trafficmon_dagster.defs.reports.report_asset import report_asset
from trafficmon_dagster.defs.reports.window import Window
from trafficmon_dagster.names import report, table
from trafficmon_dagster.partitions import HOURLY

if TYPE_CHECKING:
    import duckdb

    from streaming.lake.latency import LatencyFigures
    from streaming.settings import Settings

_TITLE = "Latency: capture to verdict"
_SLOWEST = 12
_STAGES_EXPLAINED = (
    "detection: capture to published result; tasks: to the planned task; queue: waiting for a"
    " slot; model: in the provider's calls; transport: Kafka and the rest."
)


def figures(con: "duckdb.DuckDBPyConnection", window: Window, settings: "Settings") -> Report:
    """P50, P95 and P99 from capture to verdict: over time, by stage, by camera and by model.

    Of assessed tasks, by the hour in which their frame was captured.
    """
    from streaming.lake.latency import STAGES, latency_figures

    limit_ms = settings.alerts.latency_threshold_p95 * 1000
    found = latency_figures(con, since=window.start, until=window.end, threshold_p95_ms=limit_ms)
    whole = found.end_to_end
    if whole is None:
        return Report(_TITLE, "No task has been assessed in this time.", {"tasks": 0})
    within = "within" if whole.p95 <= limit_ms else "over"
    percentiles = tuple(Column(f"{name}\u00a0ms", ms) for name in ("P50", "P95", "P99"))
    tasks = Column("Tasks")
    return Report(
        _TITLE,
        f"P95 is {ms(whole.p95)} ms, {within} the limit of {ms(limit_ms)} ms;"
        f" {whole.count:,} tasks assessed.",
        {
            "tasks": whole.count,
            "p50_ms": whole.p50,
            "p95_ms": whole.p95,
            "p99_ms": whole.p99,
            **{f"{s.name.removesuffix('_ms')}_p95_ms": s.p95 for s in found.stages[:-1]},
        },
        [_picture(found, window)],
        [
            Table(
                "by_stage",
                "Where the time goes, by stage",
                (Column("Stage"), tasks, *percentiles),
                [(STAGES[s.name], s.count, s.p50, s.p95, s.p99) for s in found.stages],
                _STAGES_EXPLAINED,
            ),
            Table(
                "by_camera",
                "End to end, by camera",
                (Column("Camera"), Column("Ended"), Column("Assessed", share), *percentiles),
                [
                    (c.camera_id, c.ended, c.success_rate, c.p50, c.p95, c.p99)
                    for c in found.cameras
                ],
            ),
            Table(
                "by_model",
                "In the provider's calls, by model",
                (Column("Model"), tasks, *percentiles),
                [(m.name, m.count, m.p50, m.p95, m.p99) for m in found.models],
            ),
        ],
    )


def _picture(found: "LatencyFigures", window: Window) -> Picture:
    from streaming.lake.latency import STAGES
    from trafficmon_dagster.defs.reports import plot, shapes

    at = [window.local(moment.at) for moment in found.moments]
    over_time = {
        "P95": (plot_style.AMBER, [moment.p95 / 1000 for moment in found.moments]),
        "P50": (plot_style.BLUE, [moment.p50 / 1000 for moment in found.moments]),
    }
    limit_s = found.threshold_p95_ms / 1000
    stages = [(STAGES[s.name], s.p50, s.p95, s.p99) for s in found.stages]
    cameras = [
        (f"camera {c.camera_id}", c.p50, c.p95 or 0.0, c.p99 or 0.0)
        for c in found.cameras
        if c.p50 is not None
    ]
    slowest = sorted(cameras, key=lambda row: -row[2])[:_SLOWEST]
    by_camera = "End to end, by camera"
    if len(slowest) < len(cameras):
        by_camera = f"The slowest {_SLOWEST} of {len(cameras)} cameras"
    return plot.picture(
        "Capture to verdict over time, by stage and by camera",
        {
            "time": lambda axes: shapes.lines(
                axes,
                at,
                over_time,
                f"Capture to verdict, s ({window.zone})",
                limit=(f"P95 limit {limit_s:g} s", limit_s),
            ),
            "stages": lambda axes: shapes.ranges(
                axes, stages, "Where the time goes, by stage", logarithmic=True
            ),
            "cameras": lambda axes: shapes.ranges(
                axes, [c for c in cameras if c in slowest], by_camera, logarithmic=False
            ),
        },
        [["time", "time"], ["stages", "cameras"]],
        6.4,
    )


latency_report = report_asset(
    report("latency"),
    figures,
    HOURLY,
    deps=[table("detections"), table("tasks"), table("assessments")],
)
