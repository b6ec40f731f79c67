"""Raw network outputs to boxes, in both layouts."""

import numpy as np
import pytest

from streaming.detection.predictions import Thresholds, decode

LIMITS = Thresholds(confidence=0.35, iou=0.5, class_indices=(0, 1))


def anchors(*boxes):
    """(centre x, centre y, width, height, score of each of three classes) a box."""
    return np.array(boxes, np.float32).T


def test_boxes_come_best_first_with_corners():
    found = decode(anchors((10, 10, 4, 4, 0.4, 0, 0), (50, 50, 10, 20, 0, 0.9, 0)), 3, LIMITS)
    assert found.xyxy.tolist() == [[45, 40, 55, 60], [8, 8, 12, 12]]
    assert found.class_index.tolist() == [1, 0]
    assert found.confidence.tolist() == pytest.approx([0.9, 0.4])


@pytest.mark.parametrize("score", [0.35, 0.1, 0.0])
def test_the_threshold_itself_is_not_enough(score):
    assert len(decode(anchors((10, 10, 4, 4, score, 0, 0)), 3, LIMITS).confidence) == 0


def test_of_overlapping_boxes_the_best_of_each_class_stays():
    same = (50, 50, 20, 20)
    found = decode(
        anchors((*same, 0.9, 0, 0), (51, 50, 20, 20, 0.8, 0, 0), (*same, 0, 0.7, 0)), 3, LIMITS
    )
    assert found.class_index.tolist() == [0, 1]


def test_unwanted_classes_and_broken_numbers_are_left_out():
    found = decode(anchors((10, 10, 4, 4, 0, 0, 0.9), (np.inf, 10, 4, 4, 0.9, 0, 0)), 3, LIMITS)
    assert len(found.confidence) == 0


def test_networks_that_suppress_by_themselves():
    output = np.array(
        [[1, 2, 3, 4, 0.5, 0], [5, 6, 9, 9, 0.8, 1], [0, 0, 0, 0, 0.0, 0]], np.float32
    )
    found = decode(output, 3, LIMITS)
    assert found.xyxy.tolist() == [[5, 6, 9, 9], [1, 2, 3, 4]]
