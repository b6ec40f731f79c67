"""In any rolling window never more than the limit; and nearly as much as it."""

import itertools
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.scheduling.budget import Budget, Lesson, Lessons, Pacing, Rule
from streaming.scheduling.pace import Pace
from tests.unit.scheduling.windows import most_in_any

budgets = st.builds(
    Budget,
    qps=st.floats(0.2, 50),
    rpm=st.integers(1, 600),
)
margins = st.fixed_dictionaries(
    {
        "second_s": st.floats(0.001, 0.05),
        "minute_s": st.floats(0.001, 1),
        "burst": st.integers(1, 5),
    }
)


def a_pace(
    budget: Budget, *, second_s: float = 0.0, minute_s: float = 0.0, burst: int = 1, **kw
) -> Pace:
    """A pace whose margins are as said and never change."""
    lessons = Lessons(
        Lesson(second_s, second_s, 0, second_s), Lesson(minute_s, minute_s, 0, minute_s)
    )
    return Pace(Rule.of(budget, Pacing(burst=burst, lessons=lessons), **kw))


TICKETS = itertools.count()


def take(pace: Pace, now: float, *, tokens: int = 0) -> str:
    ticket = str(next(TICKETS))
    pace.take(now, ticket, now, tokens=tokens, lease_s=60)
    return ticket


def saturate(pace: Pace, until: float, late: list[float]) -> list[float]:
    """Sends as fast as allowed, each leaving a little late, as told to the pace."""
    now, sends = 0.0, []
    while True:
        now = max(now, pace.free_at(now))
        if now > until:
            return sends
        ticket = take(pace, now)
        now += late[len(sends) % len(late)]
        pace.sent(ticket, now)
        sends.append(now)


@settings(max_examples=25, deadline=None)
@given(
    budget=budgets,
    margin=margins,
    phase=st.floats(0, 1),
    late=st.lists(st.floats(0, 0.03), min_size=1, max_size=7),
)
def test_no_rolling_second_or_minute_ever_holds_too_many(budget, margin, phase, late):
    sends = saturate(a_pace(budget, phase=phase, **margin), 130.0, late)
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
    pace, now, arrivals = Pace(Rule.of(budget, Pacing())), 0.0, []
    for i, gap in enumerate(gaps):
        now = max(now + gap, pace.free_at(now + gap))
        take(pace, now)
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
    sends = saturate(Pace(Rule.of(budget, Pacing())), 600.0, [0.0])
    assert len(sends) / 600 >= share * min(budget.qps, budget.rpm / 60)


def test_calls_are_spread_over_the_minute_after_a_small_burst():
    sends = saturate(Pace(Rule.of(Budget(qps=10, rpm=300), Pacing(burst=3))), 55.0, [0.0])
    assert sends[2] == 0.0
    gaps = [b - a for a, b in pairwise(sends[3:])]
    assert max(gaps) < 0.21
    assert min(gaps) > 0.19


def test_accounts_that_start_together_do_not_stay_together():
    starts = []
    for phase in (0.0, 0.25, 0.5, 0.75):
        pace = Pace(Rule.of(Budget(qps=10, rpm=300), Pacing(burst=3), phase))
        starts.append(saturate(pace, 10.0, [0.0])[-1] % 0.2)
    starts.sort()
    assert min(b - a for a, b in pairwise(starts)) > 0.03


def test_a_late_report_on_a_call_long_out_of_the_window_changes_nothing():
    pace = a_pace(Budget(qps=2, rpm=2))
    first = take(pace, 0.0)
    take(pace, 200.0)
    take(pace, 400.0)
    pace.sent(first, 500.0)
    assert pace.free_at(470.0) <= 470.0


def test_keys_that_disagree_about_their_account_get_the_smaller_limits():
    assert Budget(10, 300, None).shared_with(Budget(5, 600, 1000)) == Budget(5, 300, 1000)


@pytest.mark.parametrize(
    ("instances", "part"),
    [
        (1, Budget(10, 300, 9000, 4)),
        (2, Budget(5, 150, 4500, 2)),
        (8, Budget(1.25, 37, 1125, 1)),  # never nothing
    ],
)
def test_the_fair_part_of_an_instance(instances, part):
    assert Budget(10, 300, 9000, 4).part(instances) == part
