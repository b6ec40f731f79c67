"""The newest days of the lake in one DuckDB file."""

from datetime import UTC, datetime
from typing import Any

import dagster as dg

from trafficmon_dagster.names import ANALYTICS, REPORTS, WAREHOUSE_FILE, table
from trafficmon_dagster.resources import Trafficmon


@dg.asset(
    key=WAREHOUSE_FILE,
    deps=[
        table(name)
        for name in (
            "detections",
            "detected_objects",
            "tasks",
            "assessments",
            "llm_calls",
            "skipped_groups",
        )
    ],
    group_name=REPORTS,
    kinds={"duckdb"},
    owners=ANALYTICS,
    automation_condition=dg.AutomationCondition.on_cron("12 * * * *"),
)
def warehouse_file(trafficmon: Trafficmon) -> dg.MaterializeResult[Any]:
    """`lake/warehouse.duckdb`: tables and views of the last `lake.warehouse_days` days.

    For tools that know only a file. Replaced at once every hour; who has it open keeps the
    old one, and must open it anew for the newer.
    """
    from streaming.lake.warehouse import publish

    done = publish(trafficmon.settings(), now=datetime.now(UTC).replace(tzinfo=None))
    return dg.MaterializeResult(
        metadata={
            "file": dg.MetadataValue.path(str(done.file.absolute())),
            "size_mb": round(done.size_bytes / 2**20, 2),
            "seconds": round(done.seconds, 2),
            **{f"rows_{name}": rows for name, rows in done.rows.items()},
        }
    )
