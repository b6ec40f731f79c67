"""Once a day: small files merged, old snapshots and old runs removed, each with what it freed."""

from datetime import UTC, datetime, timedelta

import dagster as dg
from pydantic import Field

from trafficmon_dagster.jobs import INGESTION
from trafficmon_dagster.names import LAKE_WRITER
from trafficmon_dagster.resources import Trafficmon

_FINISHED = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]


class LakeUpkeepConfig(dg.Config):
    """What the lake may forget."""

    keep_snapshots_hours: float = Field(
        default=24.0, description="Older snapshots go, with the files that only they need", gt=0
    )


class RunUpkeepConfig(dg.Config):
    """Which runs Dagster may forget."""

    keep_ingestions_days: float = Field(default=2.0, description="For runs of ingestion", gt=0)
    keep_days: float = Field(default=30.0, description="For all other runs", gt=0)
    delete_at_most: int = Field(default=2_000, description="A bound for one upkeep", gt=0)


@dg.op(pool=LAKE_WRITER)
def tidy_lake(
    context: dg.OpExecutionContext, config: LakeUpkeepConfig, trafficmon: Trafficmon
) -> None:
    """Merge small files, expire snapshots, remove files that nothing names."""
    from streaming.lake.upkeep import tidy

    with trafficmon.lake() as con:
        freed = tidy(con, keep=timedelta(hours=config.keep_snapshots_hours))
    context.add_output_metadata(freed)
    context.log.info("lake: %s", freed)


@dg.op
def tidy_runs(context: dg.OpExecutionContext, config: RunUpkeepConfig) -> None:
    """Delete finished runs that are old enough, oldest first, with their events."""
    now = datetime.now(UTC)
    old_ingestions = dg.RunsFilter(
        job_name=INGESTION,
        statuses=_FINISHED,
        created_before=now - timedelta(days=config.keep_ingestions_days),
    )
    old_runs = dg.RunsFilter(
        statuses=_FINISHED, created_before=now - timedelta(days=config.keep_days)
    )
    deleted = 0
    for which in (old_ingestions, old_runs):
        left = config.delete_at_most - deleted
        if left <= 0:
            break
        for record in context.instance.get_run_records(which, limit=left, ascending=True):
            context.instance.delete_run(record.dagster_run.run_id)
            deleted += 1
    context.add_output_metadata({"runs_deleted": deleted})


@dg.job(description="Keeps the lake's files few and Dagster's history bounded. Safe at any time.")
def upkeep() -> None:
    tidy_lake()
    tidy_runs()
