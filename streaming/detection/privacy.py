"""Privacy masks: painted over before a frame is looked at, kept or sent. Pure."""

from collections.abc import Sequence

import cv2
import numpy as np

from streaming.detection.ground import to_px
from streaming.detection.sources.base import Image
from streaming.messages import Polygon

_COLOUR = (0, 0, 0)


def painted(image: Image, masks: Sequence[Polygon]) -> Image:
    """The image with these polygons (fractions of the frame) black; the one given is not changed.

    Corners are rounded and the edge belongs to the mask.
    """
    if not masks:
        return image
    height, width = image.shape[:2]
    out = image.copy()
    for mask in masks:
        corners = np.rint(to_px(mask, (width - 1, height - 1))).astype(np.int32)
        cv2.fillPoly(out, [corners], _COLOUR)
    return out
