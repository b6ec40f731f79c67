"""Into the model's input and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.detection.letterbox import Letterbox

sides = st.integers(16, 4000)


@pytest.mark.parametrize(
    ("frame", "square", "size"),
    [
        ((360, 640), False, (192, 320)),
        ((432, 768), False, (192, 320)),
        ((360, 640), True, (320, 320)),
        ((1080, 1920), False, (192, 320)),
        ((640, 360), False, (320, 192)),
        ((100, 100), False, (320, 320)),
    ],
)
def test_the_longer_side_fills_the_input(frame, square, size):
    assert Letterbox.fit(frame, 320, 32, square=square).input == size


def test_the_frame_lies_in_the_middle_with_grey_around_it():
    image = np.full((360, 640, 3), 255, np.uint8)
    out = Letterbox.fit((360, 640), 320, 32, square=True).apply(image)
    assert out.shape == (320, 320, 3)
    assert (out[:70] == 114).all()
    assert (out[70:250] == 255).all()
    assert (out[250:] == 114).all()


@given(sides, sides, st.booleans())
def test_a_box_comes_back_to_where_it_was(height, width, square):
    box = Letterbox.fit((height, width), 320, 32, square=square)
    corners = np.array([[0, 0, box.scaled[1], box.scaled[0]]], np.float32)
    corners += np.array([box.left, box.top] * 2, np.float32)
    back = box.to_frame(corners)[0]
    pixel = max(height, width) / 320 + 0.01
    assert back == pytest.approx([0, 0, width, height], abs=pixel)
    assert (back >= 0).all()
    assert (back <= [width, height] * 2).all()


@pytest.mark.parametrize("stride", [32, 64])
@pytest.mark.parametrize("size", [320, 480, 640])
@pytest.mark.parametrize("frame", [(360, 640), (640, 360), (480, 640), (1080, 1920)])
def test_a_box_comes_back_whatever_the_stride(frame, size, stride):
    box = Letterbox.fit(frame, size, stride, square=False)
    scale = size / max(frame)
    there = np.array([[100, 50, 200, 150]], np.float32) * scale
    there += np.array([box.left, box.top] * 2, np.float32)
    assert box.to_frame(there)[0] == pytest.approx([100, 50, 200, 150], abs=0.01)
