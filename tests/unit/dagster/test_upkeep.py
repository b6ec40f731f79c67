from datetime import UTC, datetime, timedelta

import dagster as dg

from trafficmon_dagster.defs.upkeep.upkeep import RunUpkeepConfig, tidy_runs


def finished_run(instance, job_name, age_days):
    at = datetime.now(UTC) - timedelta(days=age_days)
    run = dg.DagsterRun(job_name=job_name, status=dg.DagsterRunStatus.SUCCESS)
    return instance.run_storage.add_historical_run(run, run_creation_time=at).run_id


def test_old_runs_go_those_of_ingestion_sooner():
    with dg.instance_for_test() as instance:
        ages = {("ingestion", 1): True, ("ingestion", 3): False, ("reports", 3): True}
        ages |= {("reports", 31): False}
        runs = {finished_run(instance, *which): stays for which, stays in ages.items()}

        context = dg.build_op_context(instance=instance, op_config=None)
        tidy_runs(context, RunUpkeepConfig())

        left = {record.dagster_run.run_id for record in instance.get_run_records()}
        assert left == {run_id for run_id, stays in runs.items() if stays}
