"""The guide's thresholds, by what the schedulers write to Redis."""

import pytest

from tests.integration.alert_sensors.ticking import api_lives, rule, scheduler_says, with_alerts


@pytest.mark.parametrize(
    ("bad", "alert"),
    [
        ({"p95_bucket": 2}, "latency_p95"),
        ({"failed": 6}, "error_rate"),
        ({"calls": 21}, "api_key_failures{key=k1}"),
        ({"keys": (("k1", "available"), ("k2", "disabled"))}, "api_key_disabled{key=k2}"),
        ({"keys": (("k1", "cooling"), ("k2", "cooling"))}, "no_api_key_available"),
    ],
)
def test_the_guides_thresholds_hold_for_the_last_five_minutes(make_settings, ticking, bad, alert):
    settings = with_alerts(make_settings())
    sensor = ticking(settings, "scheduler_alerts")

    def tick(**state):
        scheduler_says(settings, sensor.now + 15, **state)
        return sensor.tick(15)

    assert tick() == []
    told = [change for _ in range(6) for change in tick(**bad)]
    assert told == [(alert, "firing")]
    assert tick() == [(alert, "resolved")]


def test_what_a_scheduler_wrote_before_it_was_killed_raises_no_alert(make_settings, ticking):
    settings = with_alerts(make_settings())
    sensor = ticking(settings, "scheduler_alerts")
    scheduler_says(settings, sensor.now - 60, p95_bucket=3, failed=50)
    assert [sensor.tick(15) for _ in range(8)] == [[]] * 8
    assert "no scheduler is running" in sensor.last.skip_reason.skip_message


def test_an_api_that_gives_no_sign_of_life_any_more_is_gone(make_settings, ticking):
    settings = with_alerts(make_settings(), rule("daemon_silent"))
    sensor = ticking(settings, "scheduler_alerts")
    assert sensor.tick() == []  # it never ran
    api_lives(settings, sensor.now)
    assert sensor.tick(15) == []
    assert sensor.tick(15) == [("daemon_silent{daemon=api}", "firing")]
    api_lives(settings, sensor.now)
    assert sensor.tick(15) == [("daemon_silent{daemon=api}", "resolved")]


def test_a_day_of_ticks_grows_neither_cursor_nor_runs(make_settings, ticking):
    """Latency is bad for half an hour of every six; a tick every 100 s."""
    settings = with_alerts(make_settings(), resolve_after=60.0, remind_after=14_400.0)
    sensor = ticking(settings, "scheduler_alerts")
    told, longest = [], 0
    for tick in range(864):
        scheduler_says(settings, sensor.now + 100, p95_bucket=3 if tick % 216 < 18 else 0)
        told += sensor.tick(100)
        longest = max(longest, len(sensor.cursor))
    assert told == [("latency_p95", "firing"), ("latency_p95", "resolved")] * 4
    assert longest < 1_000
