"""Frames are due on a grid that never drifts, with the cameras' phases apart."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from streaming.detection.due_times import DueTimes, staggered

times = st.floats(0, 1e6, allow_nan=False)
intervals = st.floats(0.02, 60, allow_nan=False)


@given(times, intervals, times)
def test_the_next_due_time_is_later_and_at_most_one_interval_away(now, interval, offset):
    due = DueTimes(interval, offset).after(now)
    assert now < due <= now + interval * (1 + 1e-6) + 1e-6


def test_a_late_reader_skips_to_the_grid_and_does_not_shift_it():
    grid = DueTimes(1.8, 0.5)
    assert grid.after(0.5) == 2.3
    assert grid.after(2.4) == 0.5 + 2 * 1.8
    assert abs(grid.after(100.0) - (0.5 + 56 * 1.8)) < 1e-9


def test_fifty_cameras_spread_over_the_interval():
    phases = sorted(staggered(i, 1.8, 0.0).offset_s for i in range(50))
    gaps = [b - a for a, b in pairwise(phases)]
    assert max(gaps) < 3 * 1.8 / 50
    assert min(gaps) > 0.3 * 1.8 / 50
