"""Places in a camera's picture: zones, privacy masks, and what lies how far apart on the ground.

A point is x and y as fractions of the frame's width and height from its top left corner, so that
it holds at any resolution the camera sends.
"""

from itertools import combinations
from typing import Annotated, Literal

import msgspec

from streaming.messages.base import Number, Part

Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]
Point = tuple[Fraction, Fraction]
Polygon = Annotated[tuple[Point, ...], msgspec.Meta(min_length=3, max_length=64)]
Arrow = tuple[Point, Point]
"""From, to."""

ZoneKind = Literal["lane", "no_stopping", "crossing", "parking"]

_LEAST_AREA = 1e-5
"""Of the frame, or of the marked ground's square size: less is a line, not a surface."""


class Zone(Part, frozen=True):
    """A part of the picture; `direction` is the arrow along which traffic is right in it.

    A vehicle that stands still is normal in `parking`, and worth telling elsewhere.
    """

    name: str
    kind: ZoneKind
    polygon: Polygon
    direction: Arrow | None = None

    def __post_init__(self) -> None:
        check_polygon(self.polygon)
        if self.direction is not None and self.direction[0] == self.direction[1]:
            raise ValueError("direction must lead from one point to another")


class Homography(Part, frozen=True):
    """Four points of the picture and where they lie on flat ground, in metres, in the same order.

    Any origin and axes will do for the metres, as long as both axes are equally long.
    """

    image: tuple[Point, Point, Point, Point]
    ground_m: tuple[
        tuple[Number, Number], tuple[Number, Number], tuple[Number, Number], tuple[Number, Number]
    ]

    def __post_init__(self) -> None:
        for name, points in (("image", self.image), ("ground_m", self.ground_m)):
            if any(_area(three) < _least(points) for three in combinations(points, 3)):
                raise ValueError(f"{name} must have no three points on one line")


def check_polygon(polygon: tuple[tuple[float, float], ...]) -> None:
    """Raises ValueError for one without area."""
    if _area(polygon) < _LEAST_AREA:
        raise ValueError("polygon must enclose an area")


def _area(points: tuple[tuple[float, float], ...]) -> float:
    """The shoelace formula, without sign."""
    around = zip(points, (*points[1:], points[0]), strict=True)
    twice: float = sum(a[0] * b[1] - b[0] * a[1] for a, b in around)
    return abs(twice) / 2


def _least(points: tuple[tuple[float, float], ...]) -> float:
    xs, ys = zip(*points, strict=True)
    side: float = max(max(xs) - min(xs), max(ys) - min(ys), 1e-9)
    return side * side * _LEAST_AREA
