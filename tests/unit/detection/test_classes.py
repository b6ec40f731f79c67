"""Other models' names for what we watch."""

import pytest

from streaming.detection.classes import CLASS_IDS, ROAD_USERS, class_mapping, known_class


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("person", "person"),
        ("Pedestrian", "person"),
        ("traffic_light", "traffic light"),
        ("Stop-Sign", "stop sign"),
        ("motorbike", "motorcycle"),
        ("van", "car"),
        ("giraffe", None),
        ("", None),
    ],
)
def test_names_are_mapped(name, ours):
    assert known_class(name) == ours


def test_only_wanted_classes_remain():
    names = {0: "person", 1: "bicycle", 2: "car", 16: "dog"}
    assert class_mapping(names, frozenset({"person", "car"})) == {0: "person", 2: "car"}


def test_lights_and_signs_are_no_road_users():
    assert set(CLASS_IDS) - ROAD_USERS == {"traffic light", "stop sign"}
