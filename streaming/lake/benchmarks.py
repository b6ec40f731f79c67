"""Reports of `trafficmon bench pipeline` as rows of the lake."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import duckdb

from streaming.benchmark.pipeline.compare import SAME_SETTINGS, machine_of
from streaming.lake.transaction import transaction

_COMPARED_WITH = 10
_ROWS_SHOWN = 200


def record(con: duckdb.DuckDBPyConnection, report: Mapping[str, Any]) -> None:
    """One more row.

    Raises:
        LakeUnavailable: other writers were first for 10 s.
    """
    row = _row(report)
    columns, marks = ", ".join(row), ", ".join("?" * len(row))
    statement = f"INSERT INTO benchmarks ({columns}) VALUES ({marks})"  # noqa: S608
    transaction(con, lambda: con.execute(statement, list(row.values())))


def history(con: duckdb.DuckDBPyConnection, limit: int = _ROWS_SHOWN) -> list[dict[str, Any]]:
    """The newest runs, newest first, without their reports."""
    found = con.execute(
        "SELECT * EXCLUDE (report) FROM benchmarks ORDER BY measured_at DESC LIMIT ?", [limit]
    )
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def comparable(con: duckdb.DuckDBPyConnection, limit: int = _COMPARED_WITH) -> list[dict[str, Any]]:
    """The reports of the newest run and of those before it on its machine with its settings.

    Newest first; empty while there is no run.
    """
    rows = con.execute(
        """
        WITH newest AS (SELECT machine, load_key FROM benchmarks ORDER BY measured_at DESC LIMIT 1)
        SELECT report FROM benchmarks SEMI JOIN newest USING (machine, load_key)
        ORDER BY measured_at DESC LIMIT ?
        """,
        [limit + 1],
    ).fetchall()
    return [json.loads(report) for (report,) in rows]


def _row(report: Mapping[str, Any]) -> dict[str, Any]:
    settings, (result,) = report["settings"], report["results"]
    ours, providers = result["end_to_end_ms"] or {}, result["provider_ms"] or {}
    kept = {name: value for name, value in result.items() if name != "lag_over_time"}
    measured_at = datetime.fromisoformat(report["measured_at"])
    return {
        "measured_at": measured_at.astimezone(UTC).replace(tzinfo=None),
        "machine": machine_of(report),
        "load_key": json.dumps({name: settings.get(name) for name in SAME_SETTINGS}),
        "version": report["versions"].get("trafficmon"),
        "cameras": settings["cameras"],
        "duration_s": settings["duration_s"],
        "provider": settings["provider"],
        **{f"end_to_end_{p}_ms": ours.get(p) for p in ("p50", "p95", "p99")},
        **{f"provider_{p}_ms": providers.get(p) for p in ("p50", "p95")},
        "frames_per_s": result["frames_per_s"],
        "tasks_per_s": result["tasks_per_s"],
        "success_rate": result["success_rate"],
        "http_429": result["http_429"],
        "unaccounted": result["unaccounted"],
        "lag_end": result["lag_end"],
        "cores_busy": result["resources"]["cores_busy"],
        "findings": result["findings"],
        "report": json.dumps({**report, "results": [kept]}),
    }
