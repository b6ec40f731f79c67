"""Which cameras are measured, and how the most that are carried are found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.benchmark.detection.load import Load, more


def test_synthetic_cameras_differ_and_others_do_not():
    synthetic = {Load().camera(n).source for n in range(1, 6)}
    assert len(synthetic) == 5
    assert {Load(source="a.mp4").camera(n).source for n in range(1, 6)} == {"a.mp4"}


@given(st.integers(1, 2000), st.integers(1, 200))
def test_the_most_that_are_carried_are_found_to_one_in_twenty(most, first):
    low = high = None
    tried = first
    trials = 0
    while tried is not None:
        trials += 1
        low, high = (tried, high) if tried <= most else (low, tried)
        tried = more(low, high, tried)
    assert trials < 30
    assert low is not None
    assert low <= most < high
    assert high - low <= max(1, low // 20)


@pytest.mark.parametrize(("low", "high", "tried"), [(None, 1, 1)])
def test_a_worker_that_does_not_carry_one_camera_ends_the_search(low, high, tried):
    assert more(low, high, tried) is None
