"""What happens by the clock, and the sensor that acts on automation conditions."""

from datetime import timedelta

import dagster as dg

from trafficmon_dagster.defs.upkeep.upkeep import upkeep
from trafficmon_dagster.jobs import (
    benchmark_job,
    reports_daily_job,
    reports_hourly_job,
    verify_keys_job,
)
from trafficmon_dagster.partitions import DAILY, HOURLY, TIME_ZONE

_RUNNING = dg.DefaultScheduleStatus.RUNNING

verify_keys_hourly = dg.ScheduleDefinition(
    name="verify_keys_hourly",
    job=verify_keys_job,
    cron_schedule="7 * * * *",
    execution_timezone=TIME_ZONE,
    default_status=_RUNNING,
    description="Tries every enabled API key.",
)
upkeep_daily = dg.ScheduleDefinition(
    name="upkeep_daily",
    job=upkeep,
    cron_schedule="20 4 * * *",
    execution_timezone=TIME_ZONE,
    default_status=_RUNNING,
    description="Tidies the lake, Dagster's history and the reports' files.",
)


@dg.schedule(
    job=reports_hourly_job,
    cron_schedule="6 * * * *",
    execution_timezone=TIME_ZONE,
    default_status=_RUNNING,
    description="The reports of the hour that ended, now that all of it is in the lake.",
)
def reports_of_the_hour(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    return _of_what_ended(context, HOURLY)


@dg.schedule(
    job=reports_daily_job,
    cron_schedule="16 0 * * *",
    execution_timezone=TIME_ZONE,
    default_status=_RUNNING,
    description="The reports of the day that ended, now that all of it is in the lake.",
)
def reports_of_the_day(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    return _of_what_ended(context, DAILY)


def _of_what_ended(
    context: dg.ScheduleEvaluationContext, partitions: dg.TimeWindowPartitionsDefinition
) -> dg.RunRequest:
    an_hour_ago = context.scheduled_execution_time - timedelta(hours=1)
    return dg.RunRequest(
        partition_key=partitions.get_partition_key_for_timestamp(an_hour_ago.timestamp())
    )


benchmark_nightly = dg.ScheduleDefinition(
    name="benchmark_nightly",
    job=benchmark_job,
    cron_schedule="40 2 * * *",
    run_config={"ops": {"lake__benchmarks": {"config": {"cameras": 50, "duration_s": 600.0}}}},
    execution_timezone=TIME_ZONE,
    description="The whole path under load, every night, once somebody has switched it on.",
    # It takes every core for a quarter of an hour: to be switched on where that is all right.
    default_status=dg.DefaultScheduleStatus.STOPPED,
)


reports_follow_tables = dg.AutomationConditionSensorDefinition(
    "reports_follow_tables",
    target=dg.AssetSelection.groups("reports"),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    description="Makes reports of the hour and day under way anew once their tables are, as their"
    " conditions say.",
)
