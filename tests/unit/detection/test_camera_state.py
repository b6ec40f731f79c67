"""A camera's life: a hiccup degrades it, an outage takes it offline, and steady frames bring it back."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.detection.camera_state import Backoff, ended, failed, framed, started

START = datetime(2026, 1, 1, tzinfo=UTC)


def after(seconds):
    return START + timedelta(seconds=seconds)


def fail(state, at_s, error="gone"):
    return failed(state, error, after(at_s), backoff=Backoff(), random=Random(1))


def online(at_s=0.0):
    return framed(started(START), after(at_s))


def test_a_camera_that_never_opens_is_offline_since_its_first_failure():
    state = fail(fail(started(START), 1), 5, "still gone")
    assert (state.status, state.since, state.error) == ("offline", after(1), "still gone")
    assert (state.failures, state.score) == (2, 0.25)


def test_the_first_frame_brings_a_new_camera_online():
    state = online(2)
    assert (state.status, state.since, state.score) == ("online", after(2), 1.0)
    assert framed(state, after(10)) == state


def test_a_connection_that_breaks_off_once_is_no_outage():
    hiccup = fail(online(), 30)
    assert (hiccup.status, hiccup.error) == ("degraded", "gone")
    assert framed(hiccup, after(31)).status == "online"


def test_an_outage_ends_with_the_second_frame():
    state = online()
    for second in range(60, 90, 5):
        state = fail(state, second)
    assert (state.status, state.since) == ("offline", after(65))
    first = framed(state, after(95))
    assert (first.status, first.error) == ("degraded", "gone")
    second = framed(first, after(97))
    assert (second.status, second.since, second.error) == ("online", after(97), None)


def test_a_camera_that_is_often_late_is_degraded_and_does_not_flutter():
    state, seen = online(), []
    for second in range(20):
        state = framed(state, after(second), late=True)
        seen.append(state.status)
    assert seen == ["online"] * 3 + ["degraded"] * 17
    state = framed(state, after(30))
    assert state.status == "degraded"  # over the lower bound, not yet over the upper
    assert framed(state, after(31)).status == "online"


def test_a_file_that_is_over_is_not_tried_again():
    state = ended(online(), "played once", after(9))
    assert (state.status, state.retry_in_s, state.error) == ("offline", 0.0, "played once")


@pytest.mark.parametrize(("online_s", "failures"), [(2, 4), (60, 1)])
def test_only_a_steady_camera_starts_its_backoff_anew(online_s, failures):
    state = started(START)
    for second in range(3):
        state = fail(state, second)
    back = framed(framed(state, after(9)), after(10))
    assert fail(back, 10 + online_s).failures == failures


@given(st.lists(st.sampled_from(["frame", "late", "fail"]), max_size=60))
def test_the_score_stays_between_0_and_1_and_only_failures_take_a_camera_offline(events):
    state = started(START)
    for second, event in enumerate(events):
        at = after(second)
        state = fail(state, second) if event == "fail" else framed(state, at, late=event == "late")
        assert 0.0 <= state.score <= 1.0
        assert (state.status == "offline") <= (state.tries >= 1)


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
