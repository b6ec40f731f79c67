"""Privacy masks cover what they name, edges included, at any resolution."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.detection.privacy import painted

TRIANGLE = ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0))
ALL = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


@pytest.mark.parametrize("size", [(90, 160), (2160, 3840)])
def test_a_mask_over_everything_leaves_nothing(size):
    white = np.full((*size, 3), 255, np.uint8)
    assert painted(white, [ALL]).max() == 0
    assert white.min() == 255  # the frame that was given is not changed


def test_without_masks_the_frame_is_not_copied():
    image = np.zeros((4, 4, 3), np.uint8)
    assert painted(image, ()) is image


@given(st.integers(2, 300), st.integers(2, 300))
def test_the_corner_of_a_mask_is_covered_and_the_other_is_not(height, width):
    out = painted(np.full((height, width, 3), 255, np.uint8), [TRIANGLE])
    assert out[0, 0].max() == 0
    assert out[-1, -1].min() == 255
