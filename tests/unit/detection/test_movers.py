"""From boxes to the ground, by hand and against the simulator's truth."""

import math

import numpy as np
import pytest

from streaming.detection.ground import ground_matrix
from streaming.detection.movers import movers
from streaming.messages import Detection, Homography
from streaming.simulator.junction import Junction, JunctionSpec
from tests.unit.detection.scenes import user

SIZE = (640, 360)
TENTH = Homography(
    image=((0, 0), (1, 0), (1, 1), (0, 1)), ground_m=((0, 0), (64, 0), (64, 36), (0, 36))
)
"""Straight from above: ten pixels a metre."""


def test_on_the_ground_places_and_speeds_are_in_metres():
    # A car's box 20 px high, its middle on the ground 0.3 of that over its lower edge.
    found = movers([user("car", 100, 200, (50.0, 0.0))], ground_matrix(TENTH, SIZE))
    assert found.metric
    assert found.position[0] == pytest.approx((10.0, 20.4), abs=1e-4)
    assert found.velocity[0] == pytest.approx((5.0, 0.0), abs=1e-3)
    assert found.heading[0] == pytest.approx((1.0, 0.0), abs=1e-3)
    assert tuple(found.size[0]) == (4.4, 1.9)


def test_in_pixels_a_user_is_the_lower_part_of_the_box():
    found = movers([user("car", 100, 200, (50.0, 0.0)), user("person", 0, 0)], None)
    assert not found.metric
    assert found.position[0] == pytest.approx((100.0, 204.0))
    assert found.size[0] == pytest.approx((20.0, 12.0))
    assert np.isnan(found.velocity[1]).all()


def test_who_stands_stays_turned_as_they_came():
    matrix, north = ground_matrix(TENTH, SIZE), np.array([[0.0, -1.0], [np.nan, np.nan]])
    found = movers([user("car", 0, 0, (0.0, 0.0)), user("car", 9, 9, (1.0, 0.0))], matrix, north)
    assert found.heading[0] == pytest.approx((0.0, -1.0))
    assert np.isnan(found.heading[1]).all()  # a tenth of a metre a second is no direction


def test_at_the_horizon_there_is_no_place():
    far = Homography(
        image=((0.3, 0.5), (0.7, 0.5), (1, 1), (0, 1)), ground_m=((0, 90), (9, 90), (9, 0), (0, 0))
    )
    found = movers([user("car", 320, 60, (1.0, 0.0))], ground_matrix(far, SIZE))
    assert np.isnan(found.position).all() or (np.abs(found.position) < 500).all()


@pytest.mark.parametrize("elevation", [28, 45, 60])
def test_against_the_simulator_most_are_less_than_a_metre_off(elevation):
    junction = Junction(JunctionSpec(seed=3, vehicles=10, pedestrians=6, elevation=elevation))
    image, ground_m = junction.marks()
    matrix = ground_matrix(Homography(tuple(image), tuple(ground_m)), SIZE)
    off = []
    for second in range(1, 40):
        junction.advance(second)
        for o in junction.truth().objects:
            left, top, right, bottom = o.xyxy
            if min(left, top) > 1 and right < 639 and bottom < 359:
                box = Detection(0, o.class_name, 0, 0.9, o.xyxy)
                off.append(math.dist(movers([box], matrix).position[0], o.position_m))
    assert len(off) > 100
    assert np.median(off) < 0.4
    assert np.mean(np.array(off) < 1.0) > 0.85
