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


@pytest.mark.parametrize(
    "outline",
    [
        ((0.1, 0.1), (0.9, 0.9), (0.9, 0.1), (0.1, 0.9)),  # two corners exchanged
        ((0.5, 0.0), (0.8, 1.0), (0.0, 0.35), (1.0, 0.35), (0.2, 1.0)),  # a star in one stroke
        ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9), (0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9)),
    ],
    ids=["bow tie", "star", "twice around"],
)  # fmt: skip
def test_an_outline_that_crosses_itself_leaves_no_hole(outline):
    out = painted(np.full((200, 200, 3), 255, np.uint8), [outline])
    assert out[90:110, 90:110].max() == 0
    assert all(out[round(y * 199), round(x * 199)].max() == 0 for x, y in outline)


def test_an_outline_with_a_dent_keeps_it():
    dented = ((0.1, 0.1), (0.5, 0.5), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9))
    out = painted(np.full((200, 200, 3), 255, np.uint8), [dented])
    assert out[30, 100].min() == 255
    assert out[150, 100].max() == 0
