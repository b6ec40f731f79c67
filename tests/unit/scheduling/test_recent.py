"""The last five minutes of one scheduler, and of all."""

import pytest

from streaming.metrics import Metrics
from streaming.scheduling.recent import SAMPLE_S, WINDOW_S, Counts, Recent, summed
from streaming.scheduling.reporting import counted
from streaming.scheduling.stats import KeyStats

BOUNDS = (1.0, 2.0, 4.0)


def counts(*latency, **ended):
    return Counts(ended, BOUNDS, latency or (0, 0, 0, 0))


@pytest.mark.parametrize(
    ("latency", "p95_s"),
    [
        ((0, 0, 0, 0), None),
        ((100, 0, 0, 0), 0.95),
        ((90, 10, 0, 0), 1.5),
        ((95, 5, 0, 0), 1.0),
        ((0, 0, 10, 0), 3.9),
        ((50, 0, 0, 50), 4.0),
    ],
)
def test_a_p95_is_interpolated_within_its_bucket(latency, p95_s):
    assert counts(*latency).p95_s() == (None if p95_s is None else pytest.approx(p95_s))


@pytest.mark.parametrize(
    ("ended", "rate"),
    [({}, None), ({"assessed": 9, "failed": 1}, 0.1), ({"expired": 2}, 1.0), ({"assessed": 3}, 0)],
)
def test_what_was_not_assessed_is_an_error(ended, rate):
    assert counts(**ended).error_rate() == rate


def test_only_the_last_five_minutes_count():
    recent, total = Recent(), 0
    for second in range(0, 900, 10):
        total += 1
        found = recent.of(counts(total, 0, 0, 0, assessed=total), second)
    assert found.ended == {"assessed": round(WINDOW_S / SAMPLE_S)}
    assert found.latency[0] == round(WINDOW_S / SAMPLE_S)
    quiet = recent.of(counts(total, 0, 0, 0, assessed=total), 900 + WINDOW_S + 1)
    assert sum(quiet.latency) <= 1


def test_what_came_before_the_process_began_to_look_does_not_count():
    recent = Recent()
    keys = {"k": (100, 50)}
    assert recent.of(Counts({}, BOUNDS, (5, 0, 0, 0), keys), 1.0).calls == {"k": (0, 0)}
    later = Counts({}, BOUNDS, (6, 0, 0, 0), {"k": (103, 51), "new": (2, 2)})
    assert recent.of(later, 2.0) == Counts({}, BOUNDS, (1, 0, 0, 0), {"k": (3, 1), "new": (2, 2)})


def test_instances_add_up_and_one_with_other_buckets_is_left_out():
    one = Counts({"assessed": 1}, BOUNDS, (1, 0, 0, 0), {"a": (2, 1)})
    two = Counts({"failed": 2}, BOUNDS, (0, 1, 0, 0), {"a": (1, 0), "b": (4, 4)})
    other = Counts({"assessed": 9}, (1.0,), (9, 0))
    assert summed([one, two, other]) == Counts(
        {"assessed": 1, "failed": 2}, BOUNDS, (1, 1, 0, 0), {"a": (3, 1), "b": (4, 4)}
    )
    assert summed([]) == Counts()


def test_the_metrics_of_a_process_are_its_counts():
    metrics = Metrics()
    metrics.assessments.labels("assessed").inc(2)
    metrics.assessments.labels("failed").inc()
    for seconds in (0.2, 1.2, 90.0):
        metrics.end_to_end_s.observe(seconds)
    found = counted(metrics, (KeyStats("k", "available", 10, 6, in_flight=3),))
    assert found.ended == {"assessed": 2, "failed": 1}
    assert len(found.latency) == len(found.bounds_s) + 1
    assert (sum(found.latency), found.latency[-1]) == (3, 1)
    assert found.calls == {"k": (10, 1)}
