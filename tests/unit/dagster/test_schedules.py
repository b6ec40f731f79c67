"""A day of the schedules, by a clock of our own, and what the sensor asks for in it."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster._utils.schedules import schedule_execution_time_iterator

from trafficmon_dagster import partitions, schedules
from trafficmon_dagster.definitions import defs
from trafficmon_dagster.defs.lake.sensor import TICK_S, decide
from trafficmon_dagster.partitions import DAILY, HOURLY, TIME_ZONE

MIDNIGHT = datetime.now(ZoneInfo(TIME_ZONE)).replace(
    hour=0, minute=0, second=0, microsecond=0
) - timedelta(days=1)


def ticks(schedule, hours=24):
    """Its ticks of yesterday, in its own time zone."""
    end = MIDNIGHT + timedelta(hours=hours)
    for at in schedule_execution_time_iterator(
        MIDNIGHT.timestamp(), schedule.cron_schedule, schedule.execution_timezone, True
    ):
        if at >= end:
            return
        yield at


def requests(schedule):
    repository = defs.get_repository_def()
    for at in ticks(schedule):
        with dg.build_schedule_context(
            scheduled_execution_time=at, repository_def=repository
        ) as context:
            yield from schedule.evaluate_tick(context).run_requests


def test_a_day_has_so_many_runs():
    repository = defs.get_repository_def()

    running = [s for s in repository.schedule_defs if s.default_status.value == "RUNNING"]
    runs = {s.name: len(list(requests(s))) for s in running}

    assert runs == {
        "reports_of_the_day": 1,
        "reports_of_the_hour": 24,
        "upkeep_daily": 1,
        "verify_keys_hourly": 24,
    }


@pytest.mark.parametrize(
    ("name", "of", "count"),
    [("reports_of_the_hour", HOURLY, 24), ("reports_of_the_day", DAILY, 1)],
)
def test_each_hour_and_day_is_reported_once_it_ended(name, of, count):
    schedule = getattr(schedules, name)

    keys = [request.partition_key for request in requests(schedule)]

    assert len(set(keys)) == count
    ended = [of.time_window_for_partition_key(key).end for key in keys]
    late = [at - end for at, end in zip(ticks(schedule), ended, strict=True)]
    assert all(timedelta(0) < delay < timedelta(minutes=20) for delay in late)


def test_the_hour_and_day_under_way_can_be_made_too():
    for of in (HOURLY, DAILY):
        newest = of.time_window_for_partition_key(of.get_last_partition_key())
        assert newest.start <= datetime.now(UTC) < newest.end


@pytest.mark.parametrize(
    ("a_tick", "most_runs"),
    [(0, 0), (1, 24 * 3600 / 120), (100_000, 24 * 3600 / TICK_S)],
)
def test_a_day_of_messages_asks_for_a_bounded_number_of_ingestions(a_tick, most_runs):
    waiting, since, asked = 0, None, Counter()
    for now in range(0, 24 * 3600, TICK_S):
        waiting += a_tick
        decision = decide(waiting, since, float(now))
        since = decision.waiting_since
        asked[decision.run] += 1
        if decision.run:
            waiting = 0

    assert asked[True] <= most_runs
    assert waiting <= 100_000


def test_wrong_settings_do_not_keep_the_definitions_from_loading(monkeypatch):
    monkeypatch.setenv("TRAFFICMON_SERVING__DAGSTER__TIME_ZONE", "Mars")

    assert partitions._time_zone() == "UTC"
