import pytest

from trafficmon_dagster.defs.alerts.rules import Reading, changes


def reading(value, threshold=2.5):
    return Reading("latency_p95", value, threshold, " s", "capture to verdict, P95")


@pytest.mark.parametrize(
    ("value", "states", "new"),
    [
        (3.0, {}, ["firing"]),
        (3.0, {"latency_p95": "firing"}, []),
        (2.5, {"latency_p95": "firing"}, ["resolved"]),
        (1.0, {}, []),
        (1.0, {"latency_p95": "resolved"}, []),
        (3.0, {"latency_p95": "resolved"}, ["firing"]),
        (None, {"latency_p95": "firing"}, []),
        (None, {}, []),
    ],
)
def test_an_alert_is_told_once_when_it_begins_and_once_when_it_ends(value, states, new):
    assert [change.state for change in changes([reading(value)], states)] == new


def test_a_reading_is_a_sentence():
    assert reading(3.1234).sentence == "capture to verdict, P95: 3.12 s, over 2.5 s"
    assert reading(1.0).sentence == "capture to verdict, P95: 1 s, within 2.5 s"
    assert reading(None).sentence == "capture to verdict, P95: nothing to measure"
