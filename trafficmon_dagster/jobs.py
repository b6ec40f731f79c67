"""The jobs: what sensors, schedules, people and `trafficmon demo` launch."""

import dagster as dg

from trafficmon_dagster.defs.alerts.alert_states import alert_states
from trafficmon_dagster.defs.lake.tables import ingestion_assets
from trafficmon_dagster.names import API_KEY_HEALTH, KAFKA_TOPICS, LATENCY_REPORT

INGESTION = "ingestion"
FIRST_LOOK = "first_look"

ingestion_job = dg.define_asset_job(
    INGESTION,
    selection=dg.AssetSelection.assets(*ingestion_assets, alert_states),
    description="Brings what waits on the topics into the lake, then looks at the alert rules.",
)
first_look_job = dg.define_asset_job(
    FIRST_LOOK,
    selection=dg.AssetSelection.all(),
    description="Materializes everything once: topics, keys, lake, alerts and reports.",
)
verify_keys_job = dg.define_asset_job(
    "verify_keys",
    selection=dg.AssetSelection.assets(API_KEY_HEALTH),
    description="Tries every enabled API key at the provider.",
)
provision_topics_job = dg.define_asset_job(
    "provision_topics",
    selection=dg.AssetSelection.assets(KAFKA_TOPICS),
    description="Creates missing topics, adds partitions, sets retention.",
)
reports_job = dg.define_asset_job(
    "reports",
    selection=dg.AssetSelection.assets(LATENCY_REPORT),
    description="Makes every report from what the lake holds.",
)
