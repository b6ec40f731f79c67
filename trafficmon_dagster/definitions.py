"""Everything that Dagster loads. Importing it touches no network and no heavy library."""

import dagster as dg

from streaming.version import VERSION
from trafficmon_dagster import jobs, schedules
from trafficmon_dagster.defs.alerts.sensors import alert_sensors
from trafficmon_dagster.defs.alerts.table import alerts, notifications, record_alerts_job
from trafficmon_dagster.defs.benchmarks.benchmark import benchmark_run
from trafficmon_dagster.defs.benchmarks.history import benchmark_history
from trafficmon_dagster.defs.benchmarks.probe import probe
from trafficmon_dagster.defs.capacity.capacity_plan import capacity_plan
from trafficmon_dagster.defs.keys.api_keys import api_keys
from trafficmon_dagster.defs.lake.backfill import backfill
from trafficmon_dagster.defs.lake.migration import migrate
from trafficmon_dagster.defs.lake.retention import retention_nears
from trafficmon_dagster.defs.lake.sensor import messages_wait
from trafficmon_dagster.defs.lake.tables import ingestion_assets
from trafficmon_dagster.defs.reports.camera_report import camera_report
from trafficmon_dagster.defs.reports.cost_report import cost_report
from trafficmon_dagster.defs.reports.latency_report import latency_report
from trafficmon_dagster.defs.reports.risk_report import risk_report
from trafficmon_dagster.defs.reports.slo_report import slo_report
from trafficmon_dagster.defs.reports.success_rate_report import success_rate_report
from trafficmon_dagster.defs.reports.warehouse_file import warehouse_file
from trafficmon_dagster.defs.topics.kafka_topics import kafka_topics
from trafficmon_dagster.defs.topics.lineage import external_assets
from trafficmon_dagster.defs.topics.replay import replay_dead_letters
from trafficmon_dagster.defs.upkeep.upkeep import upkeep
from trafficmon_dagster.resources import Trafficmon

defs = dg.Definitions(
    assets=[
        *external_assets,
        kafka_topics,
        api_keys,
        *ingestion_assets,
        notifications,
        alerts,
        latency_report,
        success_rate_report,
        slo_report,
        cost_report,
        camera_report,
        risk_report,
        capacity_plan,
        warehouse_file,
        benchmark_run,
        benchmark_history,
    ],
    jobs=[
        jobs.benchmark_job,
        jobs.first_look_job,
        jobs.ingestion_job,
        jobs.provision_topics_job,
        record_alerts_job,
        jobs.reports_daily_job,
        jobs.reports_hourly_job,
        jobs.verify_keys_job,
        backfill,
        migrate,
        probe,
        replay_dead_letters,
        upkeep,
    ],
    schedules=[
        schedules.benchmark_nightly,
        schedules.reports_of_the_day,
        schedules.reports_of_the_hour,
        schedules.upkeep_daily,
        schedules.verify_keys_hourly,
    ],
    sensors=[*alert_sensors, messages_wait, retention_nears, schedules.reports_follow_tables],
    resources={
        "trafficmon": Trafficmon(),
        # Stopping what a benchmark started takes longer than the 20 s that are usual.
        "subprocesses": dg.PipesSubprocessClient(termination_timeout_seconds=90),
    },
    # Steps are seconds long: a process a step would cost more than the steps.
    executor=dg.in_process_executor,
    metadata={"trafficmon": VERSION},
)
