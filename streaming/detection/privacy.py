"""Privacy masks: painted over before a frame is looked at, kept or sent. Pure."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from streaming.detection.ground import to_px
from streaming.detection.sources.base import Image
from streaming.messages import Polygon

Point = tuple[float, float]

_COLOUR = (0, 0, 0)


def painted(image: Image, masks: Sequence[Polygon]) -> Image:
    """The image with these polygons (fractions of the frame) black; the one given is not changed.

    Corners are rounded and the edge belongs to the mask. An outline that crosses itself is
    painted with all that lies within its corners: filled by parity it would have holes.
    """
    if not masks:
        return image
    height, width = image.shape[:2]
    out = image.copy()
    for mask in masks:
        cv2.fillPoly(out, [_outline(tuple(mask), (width - 1, height - 1))], _COLOUR)
    return out


@lru_cache(maxsize=256)
def _outline(mask: Polygon, size: tuple[int, int]) -> NDArray[np.int32]:
    corners = np.rint(to_px(mask, size)).astype(np.int32)
    return np.asarray(cv2.convexHull(corners)) if _crosses_itself(mask) else corners


def _crosses_itself(mask: Polygon) -> bool:
    following = (*mask[1:], mask[0])
    edges = [edge for edge in zip(mask, following, strict=True) if edge[0] != edge[1]]
    if len({start for start, _ in edges}) < len(edges):  # it comes by the same corner twice
        return True
    return any(_cross(*one, *other) for one, other in combinations(edges, 2))


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether two edges cross or overlap, other than by a corner that they share."""
    if {a, b} & {c, d}:
        return False
    return _side(a, b, c) * _side(a, b, d) <= 0 and _side(c, d, a) * _side(c, d, b) <= 0


def _side(a: Point, b: Point, p: Point) -> float:
    return (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])
