"""Once a day: small files merged, old snapshots, runs and reports removed; what each freed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
from pydantic import Field

from streaming.settings import load
from trafficmon_dagster.jobs import INGESTION, REPORTS_DAILY
from trafficmon_dagster.names import LAKE_WRITER, REPORT_NAMES
from trafficmon_dagster.resources import Trafficmon

_FINISHED = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]
_BY_ITSELF = {"dagster/from_automation_condition": "true"}


class LakeUpkeepConfig(dg.Config):
    """What the lake may forget."""

    keep_snapshots_hours: float = Field(
        default=24.0, description="Older snapshots go, with the files that only they need", gt=0
    )


class RunUpkeepConfig(dg.Config):
    """Which runs Dagster may forget, with their events and logs."""

    keep_frequent_days: float | None = Field(
        default=None,
        description="For runs of ingestion, and those of automation conditions, which come every"
        " few minutes; left out, serving.dagster.keep_frequent_runs_days",
        gt=0,
    )
    keep_days: float | None = Field(
        default=None,
        description="For all other runs; left out, serving.dagster.keep_runs_days",
        gt=0,
    )
    keep_daily_reports_days: float | None = Field(
        default=None,
        description="For runs of reports_daily; left out, serving.dagster.keep_report_runs_days",
        gt=0,
    )
    delete_at_most: int = Field(default=2_000, description="A bound for one upkeep", gt=0)


class ReportUpkeepConfig(dg.Config):
    """Which files of reports may go."""

    keep_days: float | None = Field(
        default=None,
        description="Of an hour or a day, the newest stay; left out,"
        " serving.dagster.keep_report_runs_days",
        gt=0,
    )


@dg.op(pool=LAKE_WRITER)
def tidy_lake(
    context: dg.OpExecutionContext, config: LakeUpkeepConfig, trafficmon: Trafficmon
) -> None:
    """Delete rows past their days, merge small files, expire snapshots, remove unnamed files."""
    from streaming.lake.upkeep import data_bytes, retire, tidy

    settings = trafficmon.settings()
    before = data_bytes(settings)
    with trafficmon.lake() as con:
        now = datetime.now(UTC).replace(tzinfo=None)
        retired = retire(con, settings.lake.keep_days.model_dump(), now=now)
        freed: dict[str, float] = {f"rows_retired_{name}": n for name, n in retired.items()}
        freed |= tidy(con, keep=timedelta(hours=config.keep_snapshots_hours))
    after = data_bytes(settings)
    if before is not None and after is not None:
        freed |= {"mb": round(after / 2**20, 2), "mb_freed": round((before - after) / 2**20, 2)}
    context.add_output_metadata(freed)
    context.log.info("lake: %s", freed)


@dg.op
def tidy_runs(context: dg.OpExecutionContext, config: RunUpkeepConfig) -> None:
    """Delete finished runs that are old enough, oldest first, with their events and logs."""
    now = datetime.now(UTC)
    kept = load().serving.dagster
    reports_days = config.keep_daily_reports_days or kept.keep_report_runs_days
    frequent_days = config.keep_frequent_days or kept.keep_frequent_runs_days

    def older_than(days: float, **which: Any) -> dg.RunsFilter:
        before = now - timedelta(days=days)
        return dg.RunsFilter(statuses=_FINISHED, created_before=before, **which)

    kept_long = {REPORTS_DAILY: timedelta(days=reports_days)}
    looked_at = config.delete_at_most + round(reports_days)
    deleted = 0
    for which in (
        older_than(frequent_days, job_name=INGESTION),
        older_than(frequent_days, tags=_BY_ITSELF),
        older_than(config.keep_days or kept.keep_runs_days),
    ):
        for record in context.instance.get_run_records(which, limit=looked_at, ascending=True):
            run = record.dagster_run
            is_kept = record.create_timestamp > now - kept_long.get(run.job_name, timedelta(0))
            if is_kept or deleted >= config.delete_at_most:
                continue
            context.instance.delete_run(run.run_id)
            # Dagster deletes a run's events and leaves what it printed.
            context.instance.compute_log_manager.delete_logs(prefix=[run.run_id])
            deleted += 1
    context.add_output_metadata({"runs_deleted": deleted})


@dg.op
def tidy_reports(
    context: dg.OpExecutionContext, config: ReportUpkeepConfig, trafficmon: Trafficmon
) -> None:
    """Delete reports of hours and days that were written long ago."""
    settings = trafficmon.settings()
    keep_days = config.keep_days or settings.serving.dagster.keep_report_runs_days
    oldest = (datetime.now(UTC) - timedelta(days=keep_days)).timestamp()
    deleted = 0
    for name in REPORT_NAMES:
        for file in (settings.reports_dir / name).glob("*"):
            if file.suffix in {".html", ".json"} and file.stat().st_mtime < oldest:
                file.unlink()
                deleted += 1
    context.add_output_metadata({"files_deleted": deleted})


@dg.job(
    description="Keeps the lake's files few and Dagster's history and the reports' files bounded."
    " Safe at any time."
)
def upkeep() -> None:
    tidy_lake()
    tidy_runs()
    tidy_reports()
