"""What Redis's clock says, in this process's seconds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.scheduling.redis_clock import RedisClock

AHEAD_S = 1_700_000_000.0


@given(
    trips=st.lists(
        st.tuples(st.floats(0, 0.2), st.floats(0, 0.2)),  # seconds there, seconds back
        min_size=1,
        max_size=20,
    )
)
def test_it_errs_by_no_more_than_half_the_fastest_round_trip(trips):
    clock, now = RedisClock(), 100.0
    for there_s, back_s in trips:
        clock.heard(now + there_s + AHEAD_S, now, now + there_s + back_s)
        now += 1.0
    fastest_s = min(there + back for there, back in trips)
    assert clock.there(now) == pytest.approx(now + AHEAD_S, abs=fastest_s / 2 + 1e-6)
    assert clock.here(clock.there(now)) == pytest.approx(now)


def test_an_old_fast_answer_gives_way_to_a_new_slow_one_for_clocks_drift():
    clock = RedisClock()
    clock.heard(100.0, 100.0, 100.0)
    clock.heard(131.0 + 0.05, 131.0 - 0.1, 131.0 + 0.1)
    assert clock.there(131.0) == pytest.approx(131.05)


@pytest.mark.parametrize("step_s", [-3600.0, 3600.0])
def test_a_clock_that_was_set_is_believed_at_once(step_s):
    clock = RedisClock()
    clock.heard(100.0, 100.0, 100.001)
    clock.heard(101.0 + step_s, 101.0, 101.2)
    assert clock.there(101.0) == pytest.approx(101.0 + step_s, abs=0.2)
