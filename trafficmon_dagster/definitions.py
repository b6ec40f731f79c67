"""Everything that Dagster loads. Importing it touches no network and no heavy library."""

import dagster as dg

from trafficmon_dagster import jobs, schedules
from trafficmon_dagster.defs.alerts.alert_states import alert_states
from trafficmon_dagster.defs.keys.api_key_health import api_key_health
from trafficmon_dagster.defs.lake.sensor import messages_wait
from trafficmon_dagster.defs.lake.tables import ingestion_assets
from trafficmon_dagster.defs.reports.latency_report import latency_report
from trafficmon_dagster.defs.topics.kafka_topics import kafka_topics
from trafficmon_dagster.defs.topics.lineage import external_assets
from trafficmon_dagster.defs.upkeep.upkeep import upkeep
from trafficmon_dagster.resources import Trafficmon

defs = dg.Definitions(
    assets=[
        *external_assets,
        kafka_topics,
        api_key_health,
        *ingestion_assets,
        alert_states,
        latency_report,
    ],
    jobs=[
        jobs.first_look_job,
        jobs.ingestion_job,
        jobs.provision_topics_job,
        jobs.reports_job,
        jobs.verify_keys_job,
        upkeep,
    ],
    schedules=[schedules.verify_keys_hourly, schedules.upkeep_daily],
    sensors=[messages_wait, schedules.reports_follow_tables],
    resources={"trafficmon": Trafficmon()},
    # Steps are seconds long: a process a step would cost more than the steps.
    executor=dg.in_process_executor,
)
