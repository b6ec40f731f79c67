"""What happens by the clock, and the sensor that acts on automation conditions."""

import dagster as dg

from trafficmon_dagster.defs.upkeep.upkeep import upkeep
from trafficmon_dagster.jobs import verify_keys_job

verify_keys_hourly = dg.ScheduleDefinition(
    name="verify_keys_hourly",
    job=verify_keys_job,
    cron_schedule="7 * * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
upkeep_daily = dg.ScheduleDefinition(
    name="upkeep_daily",
    job=upkeep,
    cron_schedule="20 4 * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
reports_follow_tables = dg.AutomationConditionSensorDefinition(
    "reports_follow_tables",
    target=dg.AssetSelection.groups("reports"),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    description="Makes reports anew once their tables are, as their conditions say.",
)
