"""The figures of the latency report, asked of the lake."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb

STAGES = {
    "detection_ms": "detection",
    "task_ms": "tasks",
    "queue_ms": "queue",
    "llm_ms": "model",
    "transport_ms": "transport",
    "end_to_end_ms": "end to end",
}
"""The columns of the view `latency`, in the order of the data, and what they are called."""

_BUCKETS = 60
_MIN_BUCKET_S = 10


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of assessed tasks, in ms; `name` is a stage or a model."""

    name: str
    count: int
    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class CameraRow:
    """One camera: how its tasks ended, and capture to verdict of those assessed."""

    camera_id: str
    ended: int
    assessed: int
    expired: int
    failed: int
    p50: float | None
    p95: float | None
    p99: float | None

    @property
    def success_rate(self) -> float:
        return self.assessed / self.ended


@dataclass(frozen=True, slots=True)
class Moment:
    """Capture to verdict, ms, of the tasks captured in a few seconds or minutes from `at` on."""

    at: datetime
    count: int
    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class LatencyFigures:
    """Everything the report says, for tasks captured from `since` to `until` (UTC)."""

    since: datetime
    until: datetime
    threshold_p95_ms: float
    stages: tuple[Percentiles, ...]
    cameras: tuple[CameraRow, ...]
    models: tuple[Percentiles, ...]
    moments: tuple[Moment, ...]

    @property
    def ended(self) -> int:
        return sum(row.ended for row in self.cameras)

    @property
    def assessed(self) -> int:
        return sum(row.assessed for row in self.cameras)

    @property
    def success_rate(self) -> float | None:
        return self.assessed / self.ended if self.ended else None

    @property
    def end_to_end(self) -> Percentiles | None:
        return next((stage for stage in self.stages if stage.name == "end_to_end_ms"), None)

    def as_dict(self) -> dict[str, Any]:
        """For `reports/latency.json`."""
        return asdict(self) | {
            "ended": self.ended,
            "assessed": self.assessed,
            "success_rate": self.success_rate,
        }


def latency_figures(
    con: duckdb.DuckDBPyConnection, *, since: datetime, until: datetime, threshold_p95_ms: float
) -> LatencyFigures:
    """The figures of tasks captured from `since` to `until` (UTC, without a zone)."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE ended AS"
        " SELECT * FROM latency WHERE captured_at >= ? AND captured_at < ?",
        [since, until],
    )
    return LatencyFigures(
        since=since,
        until=until,
        threshold_p95_ms=threshold_p95_ms,
        stages=_stages(con),
        cameras=_cameras(con),
        models=_models(con),
        moments=_moments(con),
    )


def _stages(con: duckdb.DuckDBPyConnection) -> tuple[Percentiles, ...]:
    columns = ", ".join(f"{name}::DOUBLE AS {name}" for name in STAGES)
    rows = con.execute(
        f"""
        SELECT stage, count(*), quantile_cont(ms, 0.5), quantile_cont(ms, 0.95),
               quantile_cont(ms, 0.99)
        FROM (UNPIVOT (SELECT {columns} FROM ended WHERE status = 'assessed')
              ON {", ".join(STAGES)} INTO NAME stage VALUE ms)
        GROUP BY stage
        """  # noqa: S608
    ).fetchall()
    by_name = {row[0]: Percentiles(*row) for row in rows}
    return tuple(by_name[name] for name in STAGES if name in by_name)


def _cameras(con: duckdb.DuckDBPyConnection) -> tuple[CameraRow, ...]:
    rows = con.execute(
        """
        SELECT camera_id, count(*), count(*) FILTER (status = 'assessed'),
               count(*) FILTER (status = 'expired'), count(*) FILTER (status = 'failed'),
               quantile_cont(end_to_end_ms, 0.5) FILTER (status = 'assessed'),
               quantile_cont(end_to_end_ms, 0.95) FILTER (status = 'assessed'),
               quantile_cont(end_to_end_ms, 0.99) FILTER (status = 'assessed')
        FROM ended GROUP BY camera_id ORDER BY try_cast(camera_id AS BIGINT), camera_id
        """
    ).fetchall()
    return tuple(CameraRow(*row) for row in rows)


def _models(con: duckdb.DuckDBPyConnection) -> tuple[Percentiles, ...]:
    """In the provider's calls, by model."""
    rows = con.execute(
        """
        SELECT model, count(*), quantile_cont(llm_ms, 0.5), quantile_cont(llm_ms, 0.95),
               quantile_cont(llm_ms, 0.99)
        FROM ended WHERE status = 'assessed' GROUP BY model ORDER BY count(*) DESC, model
        """
    ).fetchall()
    return tuple(Percentiles(*row) for row in rows)


def _moments(con: duckdb.DuckDBPyConnection) -> tuple[Moment, ...]:
    first, last = con.execute(
        "SELECT min(captured_at), max(captured_at) FROM ended"
    ).fetchone() or (
        None,
        None,
    )
    if first is None or last is None:
        return ()
    width_s = max(_MIN_BUCKET_S, (last - first) / timedelta(seconds=_BUCKETS))
    rows = con.execute(
        """
        SELECT time_bucket(to_seconds(?), captured_at, ?), count(*),
               quantile_cont(end_to_end_ms, 0.5), quantile_cont(end_to_end_ms, 0.95)
        FROM ended WHERE status = 'assessed' GROUP BY 1 ORDER BY 1
        """,
        [width_s, first],
    ).fetchall()
    return tuple(Moment(*row) for row in rows)
