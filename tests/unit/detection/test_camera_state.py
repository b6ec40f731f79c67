"""A camera's life: it goes offline at once, comes back at once, and is tried ever more rarely."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.detection.camera_state import Backoff, failed, opened, started

START = datetime(2026, 1, 1, tzinfo=UTC)


def after(seconds):
    return START + timedelta(seconds=seconds)


def fail(state, at_s, error="gone"):
    return failed(state, error, after(at_s), backoff=Backoff(), random=Random(1))


def test_a_camera_that_never_opens_is_offline_since_its_first_failure():
    state = fail(fail(started(START), 1), 5, "still gone")
    assert (state.status, state.since, state.error) == ("offline", after(1), "still gone")
    assert state.failures == 2


def test_a_frame_brings_it_online_and_clears_the_error():
    state = opened(fail(started(START), 1), after(9))
    assert (state.status, state.since, state.error) == ("online", after(9), None)
    assert opened(state, after(10)) is state


@pytest.mark.parametrize(("online_s", "failures"), [(2, 4), (60, 1)])
def test_only_a_steady_camera_starts_its_backoff_anew(online_s, failures):
    state = started(START)
    for second in range(3):
        state = fail(state, second)
    assert fail(opened(state, after(10)), 10 + online_s).failures == failures


@given(st.integers(1, 10_000), st.integers(0, 2**32))
def test_waits_stay_within_their_bounds(failures, seed):
    assert 1.0 <= Backoff(1.0, 30.0).delay_s(failures, Random(seed)) <= 30.0


def test_waits_double_and_are_jittered():
    middles = [
        sum(Backoff(1, 30).delay_s(n, Random(seed)) for seed in range(400)) / 400
        for n in range(1, 7)
    ]
    assert middles[1:4] == pytest.approx([2, 4, 8], rel=0.05)
    assert len({Backoff().delay_s(3, Random(seed)) for seed in range(10)}) == 10
