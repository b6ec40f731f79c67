"""Risk before judgement: hand-computed cases, and the orders that must hold."""

import numpy as np
import pytest

from streaming.detection.movers import movers
from streaming.detection.pairs import moving_pairs, still_pairs
from streaming.detection.surrogates import moving_risks
from tests.unit.detection.scenes import on_ground, user

NEVER = np.full((2, 2), np.inf)


def still(a, b):
    return float(still_pairs([a, b]).risks[0, 1])


def moving(a, b, encroachment_s=np.inf):
    pairs = moving_pairs([a, b], movers([a, b], None), np.full((2, 2), encroachment_s))
    return float(pairs.risks[0, 1])


def test_a_pedestrian_touching_a_car_is_the_worst_there_is():
    assert still(user("person", 0, 0), user("car", 15, 0)) == 1.0


def test_one_size_apart_halves_it():
    assert still(user("person", 0, 0), user("car", 40, 0)) == pytest.approx(0.5)


def test_near_and_far_from_the_camera_count_alike():
    near = still(user("person", 0, 0, side=40), user("car", 80, 0, side=40))
    assert near == pytest.approx(still(user("person", 0, 0), user("car", 40, 0)))


@pytest.mark.parametrize(
    ("worse", "better"),
    [
        (("person", "car"), ("car", "car")),
        (("person", "bus"), ("bicycle", "bus")),
        (("bicycle", "truck"), ("person", "bicycle")),
        (("car", "motorcycle"), ("bicycle", "bicycle")),
        (("person", "bicycle"), ("person", "person")),
    ],
)
def test_the_weaker_and_the_heavier_the_worse(worse, better):
    risks = [still(user(a, 0, 0), user(b, 30, 0)) for a, b in (worse, better)]
    assert risks[0] > risks[1] > 0


def test_a_group_has_the_risk_of_its_worst_pair_and_one_alone_none():
    members = [
        user("car", 0, 0, object_id=4),
        user("car", 25, 0, object_id=7),
        user("person", 45, 0, object_id=9),
    ]
    pairs = still_pairs(members)
    assert pairs.risk((4, 7, 9)) == pairs.risk((7, 9)) == still(members[1], members[2])
    assert pairs.risk((7,)) == 0.0
    assert pairs.worst((4, 7, 9)) is None  # nothing is known of their motion


def test_waiting_beside_a_standing_car_is_no_danger_and_a_moving_one_is_half():
    beside = still(user("person", 0, 0), user("car", 25, 0))
    standing = moving(user("person", 0, 0, (0, 0)), user("car", 25, 0, (0, 0)))
    leaving = moving(user("person", 0, 0, (0, 0)), user("car", 25, 0, (60.0, 0)))
    assert standing == pytest.approx(0.15 * beside)
    assert leaving == pytest.approx(0.5 * beside)


def test_a_collision_course_counts_by_the_time_left():
    # 200 px apart, boxes 20 px wide: 180 px at 90 px/s are 2 s of 4 s.
    course = moving(user("person", 0, 0, (0, 0)), user("car", 200, 0, (-90.0, 0)))
    assert course == pytest.approx(0.5)
    assert course > moving(user("person", 0, 0, (0, 0)), user("car", 200, 0, (90.0, 0)))
    # Two cars: the root of 0.5 of it.
    cars = moving(user("car", 0, 0, (0, 0)), user("car", 200, 0, (-90.0, 0)))
    assert cars == pytest.approx(0.5 * 0.5**0.5)


def test_creeping_together_is_less_urgent_than_the_same_time_at_speed():
    # 5 px at 2.5 px/s: 2 s as well, but of the half side (10 px/s) only a quarter.
    creeping = moving(user("person", 0, 0, (0, 0)), user("car", 25, 0, (-2.5, 0)))
    near = still(user("person", 0, 0), user("car", 25, 0))
    pace = 2.5 / 20
    assert creeping == pytest.approx(max(0.5 * 0.25, near * (0.15 + 0.35 * pace)))


def test_coming_after_somebody_counts_by_the_time_between():
    apart = (user("person", 0, 0, (0, 30.0)), user("car", 200, 0, (60.0, 0)))
    assert moving(*apart, encroachment_s=0.5) == pytest.approx(0.75)
    assert moving(*apart, encroachment_s=2.0) == moving(*apart)


def test_following_counts_under_a_second():
    # 4 m behind a car at 10 m/s: 0.4 s.
    cars = [user("car", 0, 0, (1, 0)), user("car", 0, 0, (1, 0))]
    pair = on_ground((0, 0, 10, 0, 4, 2), (8, 0, 10, 0, 4, 2))
    gaps = np.array([[np.inf, 0.4], [0.4, np.inf]])
    assert moving_risks(cars, pair, NEVER, gaps, NEVER)[0, 1] == pytest.approx(0.6 * 0.5**0.5)


def test_without_both_velocities_nearness_alone_counts():
    known, new = user("car", 0, 0, (50.0, 0)), user("person", 30, 0)
    assert moving(known, new) == still(known, new)


def test_the_worst_pair_says_what_it_is():
    users = [
        user("person", 0, 0, (0, 0), object_id=3),
        user("car", 200, 0, (-90.0, 0), object_id=5),
        user("car", 400, 0, (0.0, 0), object_id=6),
    ]
    pairs = moving_pairs(users, movers(users, None), np.full((3, 3), np.inf))
    worst = pairs.worst((3, 5, 6))
    assert worst.object_ids == (3, 5)
    assert worst.time_to_collision_s == pairs.collision_s((3, 5, 6)) == 2.0
    assert (worst.time_gap_s, worst.post_encroachment_s, worst.distance_m) == (None, None, None)
