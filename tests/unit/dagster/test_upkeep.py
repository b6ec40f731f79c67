"""What upkeep forgets: runs with their events and logs, and files of reports."""

import os
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import yaml

import trafficmon_dagster
from trafficmon_dagster.defs.upkeep.upkeep import (
    ReportUpkeepConfig,
    RunUpkeepConfig,
    tidy_reports,
    tidy_runs,
)

BY_ITSELF = {"dagster/from_automation_condition": "true"}


def finished_run(instance, job_name, age_days, tags=None):
    at = datetime.now(UTC) - timedelta(days=age_days)
    run = dg.DagsterRun(job_name=job_name, status=dg.DagsterRunStatus.SUCCESS, tags=tags)
    return instance.run_storage.add_historical_run(run, run_creation_time=at).run_id


def tidy(instance, **config):
    tidy_runs(dg.build_op_context(instance=instance, op_config=None), RunUpkeepConfig(**config))
    return {record.dagster_run.run_id for record in instance.get_run_records()}


@pytest.mark.parametrize(
    ("job", "tags", "days", "stays"),
    [
        ("ingestion", {}, 1, True),
        ("ingestion", {}, 3, False),
        ("__ASSET_JOB", BY_ITSELF, 1, True),
        ("__ASSET_JOB", BY_ITSELF, 3, False),
        ("__ASSET_JOB", {}, 29, True),
        ("reports_hourly", {}, 29, True),
        ("reports_hourly", {}, 31, False),
        ("reports_daily", {}, 179, True),
        ("reports_daily", {}, 181, False),
    ],
)
def test_runs_go_the_sooner_the_more_often_they_come(job, tags, days, stays):
    with dg.DagsterInstance.ephemeral() as instance:
        run_id = finished_run(instance, job, days, tags)

        assert (run_id in tidy(instance)) == stays


def test_a_month_of_runs_is_bounded_by_daily_upkeep():
    a_day = {"ingestion": 3, "reports_hourly": 2, "reports_daily": 1}
    with dg.DagsterInstance.ephemeral() as instance:
        for day in range(40):
            for job, count in a_day.items():
                for _ in range(count):
                    finished_run(instance, job, day + 0.5)

        left = tidy(instance)

        jobs = Counter(r.dagster_run.job_name for r in instance.get_run_records())
        assert jobs == {"ingestion": 2 * 3, "reports_hourly": 30 * 2, "reports_daily": 40}
        assert len(left) == sum(jobs.values())


def test_one_upkeep_deletes_no_more_than_it_is_told():
    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(5):
            finished_run(instance, "ingestion", 3)

        assert len(tidy(instance, delete_at_most=2)) == 3


def test_a_runs_events_and_what_it_printed_go_with_it():
    @dg.op
    def say():
        print("something")  # noqa: T201

    @dg.job
    def spoken():
        say()

    with dg.instance_for_test() as instance:
        run = spoken.execute_in_process(instance=instance)
        logs = Path(instance.storage_directory()) / run.run_id
        assert any(logs.rglob("*.out"))
        assert instance.all_logs(run.run_id)

        assert tidy(instance, keep_days=1e-9) == set()

        assert not any(logs.rglob("*.out"))
        assert not instance.all_logs(run.run_id)


def test_old_reports_go_and_the_newest_and_other_files_stay(trafficmon, settings):
    folder = settings.reports_dir
    ages = {"latency/a.html": 200, "latency/b.json": 10, "latency.html": 400, "demo.json": 400}
    for name, days in ages.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
        at = (datetime.now(UTC) - timedelta(days=days)).timestamp()
        os.utime(file, (at, at))

    tidy_reports(
        dg.build_op_context(resources={"trafficmon": trafficmon}, op_config=None),
        ReportUpkeepConfig(),
    )

    left = {str(f.relative_to(folder)) for f in folder.rglob("*") if f.is_file()}
    assert left == {"latency/b.json", "latency.html", "demo.json"}


def test_ticks_are_purged_by_the_instance_itself():
    folder = Path(trafficmon_dagster.__file__).parent
    config = yaml.safe_load((folder / "instance" / "dagster.yaml").read_text())

    assert config["retention"]["sensor"]["purge_after_days"]["skipped"] == 1
    assert config["retention"]["schedule"]["purge_after_days"] == 30
