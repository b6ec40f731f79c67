"""Tracks and risk against the truth of the synthetic cameras, on a short stretch of it."""

import numpy as np
import pytest

from streaming.benchmark.gate import measure as measure_gate
from streaming.benchmark.tracking import measure, ranked
from streaming.settings import load


@pytest.mark.parametrize(
    ("wanted", "other", "share"),
    [([3, 4], [1, 2], 1.0), ([1], [2], 0.0), ([2], [1, 2, 3], 0.5), ([2, 4], [1, 3], 0.75)],
)
def test_how_often_what_is_wanted_scores_higher(wanted, other, share):
    scores = np.array([*wanted, *other], float)
    assert ranked(scores, np.arange(len(scores)) < len(wanted)) == share


def test_motion_tells_danger_better_than_nearness_and_tracks_hold():
    in_pixels, on_ground = measure(duration_s=19, intervals_s=[0.5], scenes=[(1, 9, 5)]).results
    for found in (in_pixels, on_ground):
        assert found["pairs_in_danger"] > 0
        assert found["danger_ranked_by_motion"] > found["danger_ranked_by_nearness"]
        assert found["number_changed"] < 0.02
    assert on_ground["speed_off_kmh_p50"] < 2.0


def test_the_gate_hides_no_near_miss_of_tracked_cameras():
    (found,) = measure_gate(load(), duration_s=25, intervals_s=[0.5]).results
    assert found["near_misses"] > 0
    assert found["near_misses_missed"] == 0
