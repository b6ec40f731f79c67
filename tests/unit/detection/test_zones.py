"""Zones: inside or outside, against the arrow, standing too long."""

import numpy as np
import pytest

from streaming.detection.zones import against, in_pixels, stands_too_long, zone_at
from streaming.messages import Zone
from tests.unit.detection.scenes import user

LOWER_HALF = ((0.0, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0))
TO_THE_RIGHT = ((0.2, 0.7), (0.8, 0.7))


def zone(kind="lane", direction=TO_THE_RIGHT):
    return in_pixels([Zone("way in", kind, LOWER_HALF, direction)], (640, 360))[0]


@pytest.mark.parametrize(
    ("foot", "inside"), [((5.0, 300.0), True), ((5.0, 180.0), True), ((5.0, 179.0), False)]
)
def test_a_zone_holds_what_stands_in_it(foot, inside):
    assert (zone_at([zone()], np.array(foot)) is not None) is inside


@pytest.mark.parametrize(
    ("name", "velocity", "wrong"),
    [
        ("car", (-60.0, 0.0), True),
        ("bicycle", (-60.0, 0.0), True),
        ("car", (60.0, 0.0), False),
        ("car", (0.0, 60.0), False),  # turning in
        ("car", (-60.0, 110.0), False),  # 119 degrees off the arrow
        ("car", (-60.0, 100.0), True),  # 121 degrees
        ("car", (-5.0, 0.0), False),  # manoeuvring
        ("person", (-60.0, 0.0), False),
        ("car", None, False),
    ],
)
def test_against_the_direction(name, velocity, wrong):
    assert against(zone(), user(name, 100, 300, velocity)) is wrong


def test_a_zone_without_direction_has_no_wrong_way():
    assert not against(zone(direction=None), user("car", 100, 300, (-60.0, 0.0)))


@pytest.mark.parametrize(
    ("kind", "name", "stood_s", "too_long"),
    [
        ("crossing", "car", 4.9, False),
        ("crossing", "car", 5.0, True),
        ("no_stopping", "bus", 5.0, True),
        ("lane", "car", 45.0, False),  # a red light
        ("lane", "car", 60.0, True),
        ("parking", "car", 9e9, False),
        ("no_stopping", "person", 60.0, False),
        ("no_stopping", "bicycle", 60.0, False),
    ],
)
def test_who_stands_too_long(kind, name, stood_s, too_long):
    assert stands_too_long(zone(kind), user(name, 0, 0), stood_s) is too_long
