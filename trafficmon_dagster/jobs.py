"""The jobs: what sensors, schedules, people and `trafficmon demo` launch."""

import dagster as dg

from trafficmon_dagster.defs.lake.tables import ingestion_assets
from trafficmon_dagster.names import (
    API_KEYS,
    BENCHMARKS,
    DAILY_REPORTS,
    HOURLY_REPORTS,
    KAFKA_TOPICS,
    REPORT_NAMES,
    report,
)

INGESTION = "ingestion"
FIRST_LOOK = "first_look"
REPORTS_HOURLY = "reports_hourly"
REPORTS_DAILY = "reports_daily"

ingestion_job = dg.define_asset_job(
    INGESTION,
    selection=dg.AssetSelection.assets(*ingestion_assets),
    description="Brings what waits on the topics into the lake.",
)
first_look_job = dg.define_asset_job(
    FIRST_LOOK,
    # A benchmark takes the machine for minutes, and asks how large it is to be.
    selection=dg.AssetSelection.all()
    - dg.AssetSelection.assets(*map(report, REPORT_NAMES))
    - dg.AssetSelection.groups(BENCHMARKS),
    description="Materializes everything once that has no hours or days: topics, keys, lake,"
    " alerts, plan.",
)
verify_keys_job = dg.define_asset_job(
    "verify_keys",
    selection=dg.AssetSelection.assets(API_KEYS),
    description="Tries every enabled API key at the provider: one call of one token each.",
)
provision_topics_job = dg.define_asset_job(
    "provision_topics",
    selection=dg.AssetSelection.assets(KAFKA_TOPICS),
    description="Creates missing topics, adds partitions, sets retention; never shrinks one.",
)
reports_hourly_job = dg.define_asset_job(
    REPORTS_HOURLY,
    selection=dg.AssetSelection.assets(*map(report, HOURLY_REPORTS)),
    description="Latency and success rate of an hour, or of many by a backfill.",
)
reports_daily_job = dg.define_asset_job(
    REPORTS_DAILY,
    selection=dg.AssetSelection.assets(*map(report, DAILY_REPORTS)),
    description="Service level, cost, cameras and risk of a day, or of many by a backfill.",
)
benchmark_job = dg.define_asset_job(
    "benchmark",
    selection=dg.AssetSelection.groups(BENCHMARKS),
    description="The whole path under load in a stack of its own, stored and held against before.",
)
