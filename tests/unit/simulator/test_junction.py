from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from streaming.simulator.junction import Junction, JunctionSpec
from streaming.simulator.movers import KINDS, Vehicle
from streaming.simulator.traffic import Traffic

CLASSES = {"person", "bicycle", "car", "motorcycle", "bus", "truck"}


def at(source: str, time_s: float) -> Junction:
    junction = Junction(JunctionSpec.parse(source))
    junction.advance(time_s)
    return junction


def test_the_same_seed_and_time_give_the_same_frame_and_truth_however_one_gets_there() -> None:
    source = "synthetic://junction?seed=5&vehicles=6&width=320&height=180"
    once = at(source, 4.3)
    stepwise = Junction(JunctionSpec.parse(source))
    for k in range(1, 44):
        stepwise.advance(k / 10)
    assert np.array_equal(once.render(), stepwise.render())
    assert once.truth() == stepwise.truth()


def test_other_seeds_show_other_scenes() -> None:
    frames = [
        at(f"synthetic://junction?seed={seed}&width=320&height=180", 3.0).render()
        for seed in (1, 2)
    ]
    assert np.mean(np.abs(frames[0].astype(int) - frames[1])) > 5


@pytest.mark.parametrize("extra", ["", "&night=1", "&rain=1"])
def test_a_frame_has_the_size_asked_for(extra: str) -> None:
    frame = at(f"synthetic://junction?seed=3&width=480&height=270{extra}", 1.0).render()
    assert frame.shape == (270, 480, 3)
    assert frame.dtype == np.uint8


def test_boxes_lie_in_the_frame_and_name_known_classes() -> None:
    junction = Junction(JunctionSpec.parse("synthetic://junction?seed=7&vehicles=12&mix=balanced"))
    seen = set()
    for k in range(1, 25):
        junction.advance(k * 2.0)
        for item in junction.truth().objects:
            x0, y0, x1, y1 = item.xyxy
            assert 0 <= x0 < x1 <= 640
            assert 0 <= y0 < y1 <= 360
            seen.add(item.class_name)
    assert seen == CLASSES


def test_what_moves_between_two_frames_lies_in_the_boxes() -> None:
    """Only road users, their shadows and signals change; most change is inside the boxes."""
    junction = Junction(JunctionSpec.parse("synthetic://junction?seed=2&vehicles=10&near_misses=0"))
    junction.advance(5.0)
    before, boxes = junction.render(), [o.xyxy for o in junction.truth().objects]
    junction.advance(5.4)
    after, boxes = junction.render(), boxes + [o.xyxy for o in junction.truth().objects]
    changed = np.abs(before.astype(int) - after).max(axis=2) > 60
    inside = np.zeros(changed.shape, dtype=bool)
    for x0, y0, x1, y1 in boxes:
        inside[math.floor(y0) : math.ceil(y1), math.floor(x0) : math.ceil(x1)] = True
    assert changed.sum() > 500
    assert changed[inside].sum() / changed.sum() > 0.85


def test_road_users_are_large_enough_to_be_found() -> None:
    junction = Junction(JunctionSpec.parse("synthetic://junction?seed=4&vehicles=10&pedestrians=8"))
    heights, lengths = [], []
    for k in range(1, 15):
        junction.advance(k * 3.0)
        for item in junction.truth().objects:
            x0, y0, x1, y1 = item.xyxy
            if x0 > 1 and y0 > 1 and x1 < 639 and y1 < 359:
                if item.class_name == "person":
                    heights.append(y1 - y0)
                elif item.class_name == "car":
                    lengths.append(max(x1 - x0, y1 - y0))
    assert np.percentile(heights, 10) >= 20
    assert np.percentile(lengths, 10) >= 45


def _rectangle(v: Vehicle) -> tuple[tuple[float, float], tuple[float, float], float]:
    x, y, angle = v.pose()
    return (x, y), (v.kind.length, v.kind.width), math.degrees(angle)


@pytest.mark.parametrize("seed", [1, 2, 4])
def test_lawful_traffic_flows_without_speeding_or_collisions(seed: int) -> None:
    traffic = Traffic(seed, 10, 5, 0.0, "city")
    served: set[int] = set()
    for _ in range(1500):
        traffic.step()
        rectangles = []
        for v in traffic.vehicles:
            served.add(v.object_id)
            assert 0.0 <= v.v <= KINDS[v.class_name].speed * 1.3
            assert v.waited_s < 60.0
            rectangles.append(_rectangle(v))
        for k, a in enumerate(rectangles):
            for b in rectangles[:k]:
                if math.dist(a[0], b[0]) < 9.0:
                    _, shared = cv2.rotatedRectangleIntersection(a, b)
                    assert shared is None or cv2.contourArea(shared) < 0.3
    assert len(served) > 30


def test_near_misses_happen_at_about_the_rate_asked_for() -> None:
    counts = []
    for rate in (0.0, 2.0):
        traffic = Traffic(3, 10, 4, rate, "city")
        for _ in range(3000):
            traffic.step()
        counts.append(traffic.incidents.count)
    assert counts[0] == 0
    assert 5 <= counts[1] <= 16


def test_dangers_name_two_objects_in_the_frame_and_a_severity() -> None:
    junction = Junction(JunctionSpec.parse("synthetic://junction?seed=6&vehicles=10&near_misses=6"))
    kinds = set()
    for k in range(1, 600):
        junction.advance(k * 0.3)
        truth = junction.truth()
        shown = {o.object_id for o in truth.objects}
        for danger in truth.dangers:
            assert shown.issuperset(danger.object_ids)
            assert 0.0 <= danger.severity <= 1.0
            kinds.add(danger.kind)
    assert len(kinds) >= 2
    assert kinds <= {"vehicle-pedestrian", "red-light", "tailgating", "vehicle-vehicle"}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("synthetic://junction?vehicels=3", ["'vehicels'", "'vehicles'"]),
        ("synthetic://junction?seed=one", ["seed", "whole number", "'one'"]),
        ("synthetic://junction?near_misses=often", ["near_misses", "a number"]),
        ("synthetic://junction?width=10", ["width", "160"]),
        ("synthetic://junction?mix=rural", ["mix", "balanced"]),
        ("synthetic://roundabout?seed=1", ["roundabout"]),
    ],
)
def test_a_bad_source_says_what_is_wrong(source: str, words: list[str]) -> None:
    with pytest.raises(ValueError, match="synthetic://") as raised:
        JunctionSpec.parse(source)
    assert all(word in str(raised.value) for word in words)


def test_time_does_not_run_backwards() -> None:
    junction = at("synthetic://junction?seed=1&width=160&height=120", 2.0)
    with pytest.raises(ValueError, match="back"):
        junction.advance(1.0)
