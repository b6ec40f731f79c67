"""JPEG bounded in size, crops inside the frame."""

import cv2
import numpy as np
import pytest

from streaming.detection.pictures import PictureRules, crop, jpeg

RULES = PictureRules(max_px=100, quality=80)


@pytest.mark.parametrize(
    ("size", "kept"), [((40, 80), (40, 80)), ((400, 200), (100, 50)), ((1, 5000), (1, 100))]
)
def test_the_longer_side_is_bounded(size, kept):
    data = jpeg(np.zeros((*size, 3), np.uint8), RULES)
    assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape[:2] == kept


@pytest.mark.parametrize(
    ("box", "size"),
    [
        ((10.4, 5.5, 30.2, 20.0), (15, 20)),
        ((0, 0, 100, 50), (50, 100)),
        ((-5, -5, 500, 500), (50, 100)),
        ((99.9, 49.9, 100, 50), (1, 1)),
        ((3, 3, 3, 3), (1, 1)),
    ],
)
def test_crops(box, size):
    assert crop(np.zeros((50, 100, 3), np.uint8), box).shape[:2] == size
