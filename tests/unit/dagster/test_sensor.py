import dagster as dg
import pytest

from trafficmon_dagster.defs.lake import sensor
from trafficmon_dagster.defs.lake.sensor import MESSAGES_ENOUGH, NOTHING, WAIT_AT_MOST_S, decide

NOW = 1_000_000.0


@pytest.mark.parametrize(
    ("waiting", "since", "run", "kept"),
    [
        (0, None, False, None),
        (0, NOW - 500, False, None),
        (1, None, False, NOW),
        (1, NOW - 10, False, NOW - 10),
        (1, NOW - WAIT_AT_MOST_S, True, None),
        (MESSAGES_ENOUGH, None, True, None),
        (MESSAGES_ENOUGH - 1, NOW - 1, False, NOW - 1),
    ],
)
def test_a_run_is_asked_for_when_enough_wait_or_some_waited_enough(waiting, since, run, kept):
    decision = decide(waiting, since, NOW)

    assert (decision.run, decision.waiting_since) == (run, kept)
    assert decision.reason


@pytest.mark.parametrize(
    ("waiting", "cursor", "asks", "kept"),
    [
        (0, None, False, NOTHING),
        (5, NOTHING, False, repr(NOW)),
        (5, repr(NOW - WAIT_AT_MOST_S), True, NOTHING),
        (0, repr(NOW - WAIT_AT_MOST_S), False, NOTHING),
    ],
)
def test_a_tick_leaves_a_cursor_that_dagster_stores(monkeypatch, waiting, cursor, asks, kept):
    """An empty one is not stored: every tick after the first run would ask for another."""
    monkeypatch.setattr(sensor, "_waiting", lambda _: waiting)
    monkeypatch.setattr(sensor.time, "time", lambda: NOW)
    with dg.instance_for_test() as instance:
        context = dg.build_sensor_context(instance, cursor=cursor, resources={"trafficmon": None})
        tick = sensor.messages_wait.evaluate_tick(context)
    assert (bool(tick.run_requests), tick.cursor) == (asks, kept)
