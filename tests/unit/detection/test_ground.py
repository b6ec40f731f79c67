"""From fractions of a frame to pixels, and on to metres."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.detection.ground import ground_matrix, to_ground_m, to_px
from streaming.messages import Homography

ROAD = Homography(
    image=((0.25, 1.0), (0.75, 1.0), (0.6, 0.2), (0.4, 0.2)),
    ground_m=((0.0, 0.0), (7.0, 0.0), (7.0, 40.0), (0.0, 40.0)),
)


@pytest.mark.parametrize("size", [(640, 360), (3840, 2160)])
def test_the_marked_points_lie_where_they_were_measured_at_any_resolution(size):
    marked = to_px(ROAD.image, size)
    assert to_ground_m(ground_matrix(ROAD, size), marked) == pytest.approx(
        np.array(ROAD.ground_m), abs=1e-3
    )


@given(st.floats(0.25, 0.75), st.floats(0.2, 1.0))
def test_what_lies_lower_in_the_picture_is_nearer(x, y):
    matrix = ground_matrix(ROAD, (640, 360))
    near, far = to_ground_m(matrix, to_px([(x, y), (x, y - 0.05)], (640, 360)))
    assert near[1] < far[1]


STEEP = Homography(
    image=((0.1, 1.0), (0.9, 1.0), (0.6, 0.5), (0.4, 0.5)),
    ground_m=((0.0, 0.0), (7.0, 0.0), (7.0, 40.0), (0.0, 40.0)),
)
"""Its edges meet at a third of the height: the horizon."""


@pytest.mark.parametrize("turned", [False, True])
def test_above_the_horizon_there_is_no_ground(turned):
    points = slice(None, None, -1) if turned else slice(None)
    road = Homography(image=STEEP.image[points], ground_m=STEEP.ground_m[points])
    places = to_px([(0.5, 0.36), (0.5, 0.3), (0.5, 0.0), (0.1, 0.2)], (640, 360))
    below, *above = to_ground_m(ground_matrix(road, (640, 360)), places)
    assert below[1] > 40
    assert np.isnan(above).all()
