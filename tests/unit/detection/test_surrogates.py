"""Risk before judgement: hand-computed cases, and the orders that must hold."""

import pytest

from streaming.detection.surrogates import group_risk, pair_risk, time_to_collision_s
from streaming.messages import Detection


def user(name, x, y, velocity=None, side=20.0):
    box = (x - side / 2, y - side / 2, x + side / 2, y + side / 2)
    return Detection(0, name, 0, 0.9, box, velocity=velocity)


def test_a_pedestrian_touching_a_car_is_the_worst_there_is():
    assert pair_risk(user("person", 0, 0), user("car", 15, 0)) == 1.0


def test_one_size_apart_halves_it():
    assert pair_risk(user("person", 0, 0), user("car", 40, 0)) == pytest.approx(0.5)


def test_near_and_far_from_the_camera_count_alike():
    near = pair_risk(user("person", 0, 0, side=40), user("car", 80, 0, side=40))
    assert near == pytest.approx(pair_risk(user("person", 0, 0), user("car", 40, 0)))


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
    risks = [pair_risk(user(a, 0, 0), user(b, 30, 0)) for a, b in (worse, better)]
    assert risks[0] > risks[1] > 0


def test_a_group_has_the_risk_of_its_worst_pair():
    members = [user("car", 0, 0), user("car", 25, 0), user("person", 45, 0)]
    assert group_risk(members) == pytest.approx(pair_risk(members[1], members[2]), abs=5e-4)
    assert group_risk(members[:1]) == 0.0


@pytest.mark.parametrize(
    ("velocity_a", "velocity_b", "seconds"),
    [
        ((10.0, 0.0), (0.0, 0.0), 8.0),  # 80 px free between circles of radius 10, at 10 px/s
        ((10.0, 0.0), (-10.0, 0.0), 4.0),
        ((-10.0, 0.0), (0.0, 0.0), None),  # away
        ((10.0, 0.0), (10.0, 0.0), None),  # side by side for ever
        ((10.0, 30.0), (0.0, 0.0), None),  # passes by
        (None, (0.0, 0.0), None),
    ],
)
def test_time_to_collision(velocity_a, velocity_b, seconds):
    a, b = user("car", 0, 0, velocity_a), user("car", 100, 0, velocity_b)
    found = time_to_collision_s(a, b)
    assert found == (None if seconds is None else pytest.approx(seconds))
    assert time_to_collision_s(b, a) == found


def test_those_who_touch_have_no_time_left():
    assert time_to_collision_s(user("car", 0, 0, (0, 0)), user("car", 5, 0, (1, 1))) == 0.0


def test_a_collision_course_raises_the_risk_and_drawing_apart_lowers_it():
    still = pair_risk(user("person", 0, 0), user("car", 200, 0))
    towards = pair_risk(user("person", 0, 0, (0, 0)), user("car", 200, 0, (-180.0, 0)))
    away = pair_risk(user("person", 0, 0, (0, 0)), user("car", 200, 0, (180.0, 0)))
    assert towards == pytest.approx(0.8)
    assert away == pytest.approx(still / 2)
