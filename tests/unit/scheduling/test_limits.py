"""In any rolling window never more than the limit; and nearly as much as it."""

from itertools import pairwise
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.scheduling.limits import Budget, Pace, Pacing

budgets = st.builds(
    Budget,
    qps=st.floats(0.2, 50),
    rpm=st.integers(1, 600),
)
pacings = st.builds(
    Pacing,
    margin_s=st.floats(0.001, 0.05),
    minute_margin_s=st.floats(0.001, 1),
    burst=st.integers(1, 5),
)


def most_in_any(sends: list[float], span_s: float) -> int:
    """The largest number of sends in any window (t - span, t]."""
    first, most = 0, 0
    for last, at in enumerate(sends):
        while sends[first] <= at - span_s:
            first += 1
        most = max(most, last - first + 1)
    return most


def saturate(pace: Pace, until: float, late: list[float]) -> list[float]:
    """Sends as fast as allowed, each leaving a little late, as told to the pace."""
    now, sends = 0.0, []
    while True:
        now = max(now, pace.free_at(now))
        if now > until:
            return sends
        ticket = pace.take(now)
        now += late[len(sends) % len(late)]
        pace.sent(ticket, now)
        sends.append(now)


@settings(max_examples=25, deadline=None)
@given(
    budget=budgets,
    pacing=pacings,
    phase=st.floats(0, 1),
    late=st.lists(st.floats(0, 0.03), min_size=1, max_size=7),
)
def test_no_rolling_second_or_minute_ever_holds_too_many(budget, pacing, phase, late):
    sends = saturate(Pace(budget, pacing, phase=phase), 130.0, late)
    assert most_in_any(sends, 1.0) <= max(1, budget.qps)
    assert most_in_any(sends, 60.0) <= budget.rpm


@settings(max_examples=25, deadline=None)
@given(
    budget=budgets,
    gaps=st.lists(st.floats(0, 3), min_size=1, max_size=300),
    jitter=st.lists(st.floats(0, 0.0149), min_size=1, max_size=11),
)
def test_arrivals_up_to_the_margin_late_still_respect_the_limits(budget, gaps, jitter):
    """Calls come when they like; each arrives up to 15 ms after it was sent."""
    pace, now, arrivals = Pace(budget, Pacing()), 0.0, []
    for i, gap in enumerate(gaps):
        now = max(now + gap, pace.free_at(now + gap))
        pace.take(now)
        arrivals.append(now + jitter[i % len(jitter)])
    arrivals.sort()
    assert most_in_any(arrivals, 1.0) <= max(1, budget.qps)
    assert most_in_any(arrivals, 60.0) <= budget.rpm


@pytest.mark.parametrize(
    ("budget", "share"),
    [
        (Budget(qps=10, rpm=300), 0.99),  # bound by the minute
        (Budget(qps=10, rpm=100_000), 0.98),  # bound by the second
        (Budget(qps=0.5, rpm=300), 0.98),
        (Budget(qps=1, rpm=60), 0.98),
    ],
)
def test_throughput_reaches_the_limit(budget, share):
    sends = saturate(Pace(budget, Pacing()), 600.0, [0.0])
    assert len(sends) / 600 >= share * min(budget.qps, budget.rpm / 60)


def test_calls_are_spread_over_the_minute_after_a_small_burst():
    sends = saturate(Pace(Budget(qps=10, rpm=300), Pacing(burst=3)), 55.0, [0.0])
    assert sends[2] == 0.0
    gaps = [b - a for a, b in pairwise(sends[3:])]
    assert max(gaps) < 0.21
    assert min(gaps) > 0.19


def test_accounts_that_start_together_do_not_stay_together():
    starts = []
    for phase in (0.0, 0.25, 0.5, 0.75):
        pace = Pace(Budget(qps=10, rpm=300), Pacing(burst=3), phase=phase)
        starts.append(saturate(pace, 10.0, [0.0])[-1] % 0.2)
    starts.sort()
    assert min(b - a for a, b in pairwise(starts)) > 0.03


def test_a_call_that_left_late_counts_from_when_it_left():
    pace = Pace(Budget(qps=1, rpm=1000), Pacing(margin_s=0, burst=1))
    ticket = pace.take(0.0)
    pace.sent(ticket, 0.7)
    assert pace.free_at(0.7) == pytest.approx(1.7)


def test_a_late_report_on_a_call_long_out_of_the_window_changes_nothing():
    pace = Pace(Budget(qps=2, rpm=2), Pacing())
    first = pace.take(0.0)
    pace.take(200.0)
    pace.take(400.0)
    pace.sent(first, 500.0)
    assert pace.free_at(470.0) <= 470.0


def test_tokens_a_minute_hold_back_the_call_that_would_be_too_much():
    pace = Pace(Budget(qps=100, rpm=1000, tpm=1000), Pacing(margin_s=0, minute_margin_s=0))
    ticket = pace.take(0.0, 600)
    assert pace.free_at(1.0, 600) == pytest.approx(60.0)
    pace.used(ticket, 300)
    assert pace.free_at(1.0, 600) <= 1.0


def test_a_call_larger_than_the_token_limit_goes_alone():
    pace = Pace(Budget(qps=100, rpm=1000, tpm=1000), Pacing(margin_s=0, minute_margin_s=0))
    assert pace.free_at(0.0, 5000) == -inf
    pace.take(0.0, 5000)
    assert pace.free_at(1.0, 1) == pytest.approx(60.0)


def test_keys_that_disagree_about_their_account_get_the_smaller_limits():
    assert Budget(10, 300, None).shared_with(Budget(5, 600, 1000)) == Budget(5, 300, 1000)
