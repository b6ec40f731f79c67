"""What a load asks for, and when its tasks come."""

import random
from itertools import islice, pairwise, takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.benchmark.scheduler.load import Load, spread
from streaming.benchmark.scheduler.pacing import due_times_s


@pytest.mark.parametrize(
    ("load", "limit_per_s", "warm_up_s", "measured_s"),
    [
        pytest.param(Load(duration_s=120), 50, 60, 120, id="the minute limits: two of them"),
        pytest.param(Load(duration_s=110), 50, 60, 60, id="whole minutes only"),
        pytest.param(Load(duration_s=20), 50, 5, 20, id="too short to be aligned"),
        pytest.param(Load(rpm=100_000, duration_s=110), 100, 5, 110, id="the second limits"),
        pytest.param(Load(keys=100, rpm=600, duration_s=60), 1000, 5, 60, id="both the same"),
    ],
)
def test_what_is_measured_follows_from_the_narrower_limit(load, limit_per_s, warm_up_s, measured_s):
    assert (load.limit_per_s, load.warm_up_s, load.measured_s) == (
        limit_per_s, warm_up_s, measured_s,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("load", "outstanding", "concurrent"),
    [
        pytest.param(Load(), 140, 100, id="calls under way, and two seconds of waiting"),
        pytest.param(Load(keys=100, rpm=100_000), 2800, 2000, id="a thousand a second"),
        pytest.param(Load(keys=100, qps=1000, rpm=10**6), 4000, 2000, id="bounded"),
    ],
)
def test_the_backlog_keeps_every_key_busy(load, outstanding, concurrent):
    assert load.outstanding(0.8) == outstanding
    assert load.concurrent(0.8) == concurrent
    assert load.queue_size(0.8) > concurrent


@given(st.integers(0, 10_000), st.integers(1, 64))
def test_a_number_is_spread_as_evenly_as_whole_numbers_allow(total, places):
    found = spread(total, places)
    assert sum(found) == total
    assert len(found) == places
    assert max(found) - min(found) <= 1


def test_even_arrivals_are_a_period_apart():
    assert list(islice(due_times_s(4, "even", random.Random(1)), 4)) == [0, 0.25, 0.5, 0.75]


def test_poisson_arrivals_have_the_same_rate_and_uneven_gaps():
    times = list(takewhile(lambda at: at < 1000, due_times_s(4, "poisson", random.Random(1))))
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert len(times) == pytest.approx(4000, rel=0.05)
    # Of exponential gaps, 1 - 1/e are below the mean.
    assert sum(gap < 0.25 for gap in gaps) / len(gaps) == pytest.approx(0.632, abs=0.03)
