"""When a stream's key frames are enough, and how long its silence is borne."""

import pytest

from streaming.detection.sources.sampling import KeyFrames, Sampling


@pytest.mark.parametrize(
    ("interval_s", "stall_s"), [(0.04, 4.0), (1.0, 4.0), (1.8, 7.2), (60.0, 30.0)]
)
def test_silence_is_borne_for_some_intervals_within_bounds(interval_s, stall_s):
    assert Sampling(interval_s, stall_intervals=4).stall_s == pytest.approx(stall_s)


@pytest.mark.parametrize(
    ("times_s", "suffice"),
    [
        ((0.0, 1.0), False),  # not known yet
        ((0.0, 1.0, 2.0), True),
        ((0.0, 1.8, 3.6), True),
        ((0.0, 1.0, 3.0), False),  # not often enough
        ((5.0, 6.0, 0.0), False),  # the clock jumped
        ((0.0, 10.0, 11.0, 12.0), True),  # only the last ones count
    ],
)
def test_key_frames_suffice_where_each_interval_has_one(times_s, suffice):
    keys = KeyFrames(interval_s=1.8)
    for at_s in times_s:
        keys.came(at_s)
    assert keys.suffice() is suffice
