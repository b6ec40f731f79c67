"""The figures of the latency report, queried from the lake."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb

from streaming.lake.portions import gather

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
    columns = ", ".join(
        ["camera_id", "captured_at", "status", "model"] + [f"{n}::FLOAT AS {n}" for n in STAGES]
    )
    gather(con, "ended", f"SELECT {columns} FROM latency", since=since, until=until)  # noqa: S608
    return LatencyFigures(
        since=since,
        until=until,
        threshold_p95_ms=threshold_p95_ms,
        stages=_stages(con),
        cameras=_cameras(con),
        models=_models(con),
        moments=_moments(con),
    )


def _percentiles(column: str) -> str:
    """P50, P95 and P99 of assessed tasks, in one list: each alone would keep all values anew."""
    assessed = "FILTER (status = 'assessed')"
    return f"(quantile_cont({column}, [0.5, 0.95, 0.99]) {assessed})::DOUBLE[]"


def _stages(con: duckdb.DuckDBPyConnection) -> tuple[Percentiles, ...]:
    """A query each, so that only one stage's values are in memory."""
    found = []
    for name in STAGES:
        ((count, values),) = con.execute(
            f"SELECT count({name}), {_percentiles(name)} FROM ended WHERE status = 'assessed'"  # noqa: S608
        ).fetchall()
        if count:
            found.append(Percentiles(name, count, *values))
    return tuple(found)


def _cameras(con: duckdb.DuckDBPyConnection) -> tuple[CameraRow, ...]:
    rows = con.execute(
        f"""
        SELECT camera_id, count(*), count(*) FILTER (status = 'assessed'),
               count(*) FILTER (status = 'expired'), count(*) FILTER (status = 'failed'),
               {_percentiles("end_to_end_ms")}
        FROM ended GROUP BY camera_id ORDER BY try_cast(camera_id AS BIGINT), camera_id
        """  # noqa: S608
    ).fetchall()
    return tuple(CameraRow(*row[:-1], *(row[-1] or (None, None, None))) for row in rows)


def _models(con: duckdb.DuckDBPyConnection) -> tuple[Percentiles, ...]:
    """In the provider's calls, by model."""
    rows = con.execute(
        f"""
        SELECT model, count(*), {_percentiles("llm_ms")}
        FROM ended WHERE status = 'assessed' GROUP BY model ORDER BY count(*) DESC, model
        """  # noqa: S608
    ).fetchall()
    return tuple(Percentiles(name, count, *values) for name, count, values in rows)


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
               quantile_cont(end_to_end_ms, [0.5, 0.95])::DOUBLE[]
        FROM ended WHERE status = 'assessed' GROUP BY 1 ORDER BY 1
        """,
        [width_s, first],
    ).fetchall()
    return tuple(Moment(at, count, *values) for at, count, values in rows)
