"""mAP50, precision and recall against cases computed by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.detection.scores import Box, average_precision, iou, scores


def box(name, x, confidence=1.0, y=0.0, side=10.0):
    return Box(name, (x, y, x + side, y + side), confidence)


def score_of(found, labels, name="all", threshold=0.35):
    return next(s for s in scores(found, labels, threshold) if s.name == name)


@pytest.mark.parametrize(
    ("hit", "labels", "area"),
    [
        ([True, True], 2, 1.0),
        ([False, False], 2, 0.0),
        ([], 2, 0.0),
        # Recall 0.5 at precision 1, never more: 51 of 101 points (0.00 to 0.50).
        ([True], 2, 51 / 101),
        # Recall 0.5 at 1, then a wrong one, then recall 1 at 2/3: 51 points at 1, 50 at 2/3.
        ([True, False, True], 2, (51 + 50 * 2 / 3) / 101),
    ],
)
def test_average_precision(hit, labels, area):
    assert average_precision(np.array(hit, bool), labels) == pytest.approx(area)


@pytest.mark.parametrize(
    ("a", "b", "shared"),
    [
        ((0, 0, 10, 10), (0, 0, 10, 10), 1.0),
        ((0, 0, 10, 10), (5, 0, 15, 10), 1 / 3),
        ((0, 0, 10, 10), (10, 0, 20, 10), 0.0),
    ],
)
def test_intersection_over_union(a, b, shared):
    assert iou(a, b) == iou(b, a) == pytest.approx(shared)


def test_the_same_boxes_are_a_whole_score():
    labels = [[box("car", 0), box("car", 50)], [box("person", 0)]]
    every = score_of(labels, labels)
    assert (every.map50, every.precision, every.recall, every.labels) == (1.0, 1.0, 1.0, 3)


def test_a_label_is_found_once_and_the_second_box_on_it_is_wrong():
    found = [[box("car", 0, 0.9), box("car", 1, 0.8)]]
    car = score_of(found, [[box("car", 0)]], "car")
    assert (car.precision, car.recall, car.map50) == (0.5, 1.0, 1.0)


def test_the_threshold_cuts_precision_and_recall_but_not_the_map():
    found = [[box("car", 0, 0.9), box("car", 50, 0.2)]]
    car = score_of(found, [[box("car", 0), box("car", 50)]], "car")
    assert (car.recall, car.precision, car.map50) == (0.5, 1.0, 1.0)


@pytest.mark.parametrize(
    ("seen", "right"),
    [
        (box("bus", 0, 0.9), False),  # another class
        (box("car", 4, 0.9), False),  # 6 of 14: under a half
        (box("car", 3, 0.9), True),  # 7 of 13
    ],
)
def test_what_counts_as_found(seen, right):
    assert score_of([[seen]], [[box("car", 0)]], "car").recall == float(right)


def test_boxes_of_a_class_without_labels_make_no_class_of_their_own():
    assert [s.name for s in scores([[box("bus", 0, 0.9)]], [[box("car", 0)]], 0.35)] == [
        "car",
        "all",
    ]


def test_no_labels_at_all_have_no_score_but_break_nothing():
    assert [s.name for s in scores([[box("bus", 0, 0.9)]], [[]], 0.35)] == ["all"]


boxes = st.lists(
    st.builds(box, st.sampled_from(["car", "person"]), st.floats(0, 90), st.floats(0.01, 1)),
    max_size=8,
)


@settings(deadline=None)
@given(st.lists(st.tuples(boxes, boxes), min_size=1, max_size=4))
def test_every_figure_is_within_0_and_1(pictures):
    found, labels = ([p[k] for p in pictures] for k in (0, 1))
    for score in scores(found, labels, 0.35):
        assert all(0.0 <= v <= 1.0 for v in (score.map50, score.precision, score.recall))
