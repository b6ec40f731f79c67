"""Rendered scenes under hard conditions: the same size, and boxes that still fit."""

from random import Random

import numpy as np
import pytest

from training.conditions import CONDITIONS, fisheye, scene, through_lens
from training.scenes import junction_frames


@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_condition_gives_a_picture_of_the_same_size_with_boxes_inside(condition):
    rng = Random(4)
    ((image, boxes),) = junction_frames(950_004, 1, plain=True, changes=scene(condition, rng))
    seen, kept = through_lens(condition, rng, image, boxes)
    assert seen.shape == image.shape
    assert seen.dtype == np.uint8
    assert kept
    for _, (x0, y0, x1, y1) in kept:
        assert 0 <= x0 < x1 <= 640
        assert 0 <= y0 < y1 <= 360


@pytest.mark.parametrize("strength", [0.12, 0.4])
def test_a_fisheye_s_boxes_lie_where_it_moved_what_they_held(strength):
    for x, y in ((60, 60), (300, 170), (520, 250)):
        image = np.zeros((360, 640, 3), np.uint8)
        image[y : y + 40, x : x + 60] = 255
        bent, ((_, box),) = fisheye(image, [("car", (x, y, x + 60.0, y + 40.0))], strength)
        rows, columns = np.nonzero(bent[..., 0] > 127)
        around = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert box == pytest.approx(around, abs=2.0)
