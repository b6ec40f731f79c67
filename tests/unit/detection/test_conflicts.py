"""Times between road users against cases computed by hand; metres, metres a second, seconds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.detection.conflicts import (
    Step,
    closing_speeds,
    collision_times_s,
    encroachments_s,
    half_lengths_s,
    time_gaps_s,
)
from tests.unit.detection.scenes import on_ground

CAR = (4.0, 2.0)
PERSON = (0.5, 0.5)


@pytest.mark.parametrize(
    ("a", "b", "seconds"),
    [
        # Head on: 40 m between centres, 4 m of cars, 20 m/s together.
        ((0, 0, 10, 0, *CAR), (40, 0, -10, 0, *CAR), 1.8),
        # Rear end: 20 m between centres, 4 m of cars, 5 m/s faster.
        ((0, 0, 15, 0, *CAR), (20, 0, 10, 0, *CAR), 3.2),
        # Oncoming in the next lane, 3 m aside, 2 m wide: never.
        ((0, 0, 10, 0, *CAR), (40, 3, -10, 0, *CAR), None),
        # Side by side at one speed: never.
        ((0, 0, 10, 0, *CAR), (0, 3, 10, 0, *CAR), None),
        # At right angles to one crossing point: the front corners touch when both are in.
        # East: x from 10t-20-2 to 10t-20+2, north: y from 10t-22 to 10t-18; both within the
        # other's 2 m width from t = (20 - 2 - 1) / 10 on.
        ((-20, 0, 10, 0, *CAR), (0, -20, 0, 10, *CAR), 1.7),
        # A pedestrian 10 m ahead steps across at 1 m/s from 3 m aside: the car's front comes at
        # (10 - 2.25) / 10 = 0.775 s, the pedestrian only after (3 - 1.25) / 1 = 1.75 s, but the
        # car's rear is past at (10 + 2.25) / 10 = 1.225 s: never.
        ((0, 0, 10, 0, *CAR), (10, 3, 0, -1, *PERSON), None),
        # The same from 1.5 m aside: in the way from 0.25 s, so when the front comes.
        ((0, 0, 10, 0, *CAR), (10, 1.5, 0, -1, *PERSON), 0.775),
        # Away from each other.
        ((0, 0, -5, 0, *CAR), (10, 0, 5, 0, *CAR), None),
        # They overlap already.
        ((0, 0, 1, 0, *CAR), (3, 0, 0, 0, *CAR), 0.0),
        # Both stand, apart.
        ((0, 0, 0, 0, *CAR), (10, 0, 0, 0, *CAR), None),
        # One whose velocity is not known yet.
        ((0, 0, np.nan, np.nan, *CAR), (10, 0, -5, 0, *CAR), None),
    ],
)
def test_time_to_collision(a, b, seconds):
    times = collision_times_s(on_ground(a, b))
    assert times[0, 1] == times[1, 0] == pytest.approx(np.inf if seconds is None else seconds)
    assert np.isinf(times.diagonal()).all()


def test_a_margin_makes_passing_near_a_collision():
    pair = on_ground((0, 0, 10, 0, *CAR), (40, 2.4, -10, 0, *CAR))
    assert np.isinf(collision_times_s(pair)[0, 1])  # 0.4 m between them
    # 0.15 of 3 m is 0.45 m: also along the way, so 40 - 4 - 0.45 m at 20 m/s.
    assert collision_times_s(pair, 0.15)[0, 1] == pytest.approx(35.55 / 20)


metres = st.floats(-60, 60, allow_nan=False, width=32)
paces = st.floats(-20, 20, allow_nan=False, width=32)
cars = st.tuples(metres, metres, paces, paces)


def corners(row, heading, t):
    x, y, vx, vy = row
    (c, s), (half_l, half_w) = heading, (CAR[0] / 2, CAR[1] / 2)
    return [
        (x + vx * t + c * a - s * b, y + vy * t + s * a + c * b)
        for a, b in ((half_l, half_w), (half_l, -half_w), (-half_l, -half_w), (-half_l, half_w))
    ]


def overlap(one, other):
    """Whether two rectangles share an area, by the separating axes of their edges."""
    for polygon in (one, other):
        for (x0, y0), (x1, y1) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
            axis = (y0 - y1, x1 - x0)
            a = [axis[0] * x + axis[1] * y for x, y in one]
            b = [axis[0] * x + axis[1] * y for x, y in other]
            if max(a) <= min(b) or max(b) <= min(a):
                return False
    return True


@settings(deadline=None)
@given(cars, cars)
def test_before_the_time_nobody_touches_and_just_after_they_do(a, b):
    pair = on_ground((*a, *CAR), (*b, *CAR))
    headings = np.where(np.isfinite(pair.heading), pair.heading, (1.0, 0.0))
    seconds = collision_times_s(pair)[0, 1]

    def touch(t):
        return overlap(corners(a, headings[0], t), corners(b, headings[1], t))

    until = min(seconds, 30.0)
    assert not any(touch(t) for t in np.linspace(0, until - 1e-6, 40) if until > 1e-6)
    if 0 < seconds < 30 and np.hypot(a[2] - b[2], a[3] - b[3]) > 0.5:
        assert any(touch(seconds + d) for d in (1e-6, 1e-5, 1e-4, 1e-3)) or grazes(touch, seconds)


def grazes(touch, seconds):
    """Whether the touch is of a corner that is gone again within a millisecond."""
    return not touch(seconds + 2e-3)


def test_closing_speed():
    closing = closing_speeds(on_ground((0, 0, 10, 0, *CAR), (30, 40, -10, 0, *CAR)))
    assert closing[0, 1] == closing[1, 0] == pytest.approx(20 * 30 / 50)


@pytest.mark.parametrize(
    ("a", "b", "seconds"),
    [
        # 14 m between centres less 4 m of cars at the 10 m/s of the one behind.
        ((0, 0, 10, 0, *CAR), (14, 0, 12, 0, *CAR), 1.0),
        ((14, 0, 12, 0, *CAR), (0, 0, 10, 0, *CAR), 1.0),
        ((0, 0, 10, 0, *CAR), (3, 0, 10, 0, *CAR), 0.0),  # bumper to bumper
        ((0, 0, 10, 0, *CAR), (14, 3, 12, 0, *CAR), None),  # in the next lane
        ((0, 0, 10, 0, *CAR), (14, 0, -12, 0, *CAR), None),  # oncoming
        ((0, 0, 10, 0, *CAR), (14, 0, 0, 10, *CAR), None),  # crossing
        ((0, 0, 10, 0, *CAR), (14, 0, 0, 0, *CAR), None),  # stands: that is a collision's matter
    ],
)
def test_time_gap(a, b, seconds):
    gaps = time_gaps_s(on_ground(a, b))
    assert gaps[0, 1] == gaps[1, 0] == pytest.approx(np.inf if seconds is None else seconds)


def test_half_a_length_takes_its_time():
    halves = half_lengths_s(on_ground((0, 0, 8, 0, *CAR), (0, 0, 0, 0, *CAR)))
    assert halves[0] == pytest.approx(0.25)
    assert not np.isfinite(halves[1])


WALK = Step(0, -4, 0, 4, from_s=0.0, to_s=8.0, half_s=0.25)
"""North at 1 m/s through the origin at 4 s, gone from there at 4.25 s."""


@pytest.mark.parametrize(
    ("coming", "seconds"),
    [
        # A car to the east at 10 m/s, its centre in the origin at 6 s, its front at 5.8 s.
        (Step(-5, 0, 5, 0, 5.5, 6.5, 0.2), 1.55),
        # Its front comes at 4.1 s: the pedestrian has not left yet.
        (Step(-5, 0, 5, 0, 3.8, 4.8, 0.2), 0.0),
        # It was there before the pedestrian: no encroachment on them.
        (Step(-5, 0, 5, 0, 2.0, 3.0, 0.2), None),
        # It comes along the same way, or at 20 degrees to it: following.
        (Step(0, -4, 0, 4, 6.0, 14.0, 0.2), None),
        (Step(-1.4, -4, 1.4, 4, 6.0, 14.0, 0.2), None),
        # Its way ends before the crossing.
        (Step(-5, 0, -1, 0, 5.5, 5.9, 0.2), None),
        # It stands.
        (Step(0, 0, 0, 0, 5.5, 6.5, 0.2), None),
    ],
)
def test_post_encroachment_time(coming, seconds):
    (found,) = encroachments_s(np.array([coming]), np.array([WALK]), now_s=7.0)[0]
    assert found == pytest.approx(np.inf if seconds is None else seconds)


def test_an_encroachment_counts_only_once_the_front_is_there():
    coming = np.array([Step(-5, 0, 5, 0, 5.5, 6.5, 0.2)])
    assert np.isinf(encroachments_s(coming, np.array([WALK]), now_s=5.7)[0, 0])
    assert encroachments_s(coming, np.array([WALK]), now_s=5.85)[0, 0] == pytest.approx(1.55)
