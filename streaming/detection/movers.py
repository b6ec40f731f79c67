"""Road users on a plane: the ground in metres where the camera has a homography, else pixels. Pure.

A road user is a rectangle that moves in a straight line. On the ground its size is the usual one
of its class and it is turned as it moves; in pixels it is the lower part of its box.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streaming.detection.ground import to_ground_m
from streaming.messages import Detection

Floats = NDArray[np.float64]

SIZES_M: Final[Mapping[str, tuple[float, float]]] = {
    "person": (0.5, 0.5),
    "bicycle": (1.8, 0.6),
    "motorcycle": (2.2, 0.8),
    "car": (4.4, 1.9),
    "bus": (11.0, 2.5),
    "truck": (7.5, 2.5),
}
"""Usual length and width in metres."""

_LIFT: Final[Mapping[str, float]] = {
    "person": 0.05,
    "bicycle": 0.15,
    "motorcycle": 0.15,
    "car": 0.3,
    "bus": 0.3,
    "truck": 0.3,
}
"""Where the middle of what touches the ground is, as a part of the box's height from below.

Against the simulator's truth at 28 to 60 degrees down: 0.2 m off for two-wheelers, cars and
people, 0.3 to 0.7 m for buses and trucks (medians).
"""

CAR_SIDE_M = 3.0
_STEP_S = 0.1
_FARTHEST_M = 500.0
_TURNED_FROM_M_S = 0.5


@dataclass(frozen=True, slots=True)
class Movers:
    """n road users: positions (n, 2), velocities (n, 2) a second, nan where not known yet,
    headings (n, 2) as unit vectors, sizes (n, 2) along and across the heading. `foot_px` (n, 2)
    is where each touches the ground in the picture.

    Metres where `metric`, else pixels. `unit` (n,) is the length of about a car's side there: 3 m,
    or the box's mean side in pixels; it makes speeds comparable on both planes.
    """

    position: Floats
    velocity: Floats
    heading: Floats
    size: Floats
    unit: Floats
    foot_px: Floats
    metric: bool

    def __len__(self) -> int:
        return len(self.position)


def movers(users: Sequence[Detection], matrix: Floats | None, last: Floats | None = None) -> Movers:
    """The users of a frame on the plane.

    `matrix` (3, 3) takes pixels to metres, see `streaming.detection.ground`. `last` (n, 2) says
    how each was turned before, nan where not known: who stands stays turned as they came.
    """
    boxes = np.array([d.xyxy for d in users], np.float64).reshape(-1, 4)
    lift = np.array([_LIFT[d.class_name] for d in users])
    velocity = np.array([d.velocity or (np.nan, np.nan) for d in users]).reshape(-1, 2)
    spans = boxes[:, 2:] - boxes[:, :2]
    foot = np.c_[(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3] - lift * spans[:, 1]]
    if matrix is None:
        size = np.c_[spans[:, 0], 2 * lift * spans[:, 1]]
        right = np.tile((1.0, 0.0), (len(users), 1))
        return Movers(foot, velocity, right, size, spans.mean(axis=1), foot, metric=False)
    here, later = to_ground_m(matrix, foot), to_ground_m(matrix, foot + velocity * _STEP_S)
    far = ~(np.abs(here) < _FARTHEST_M).all(axis=1)
    here[far], moved = np.nan, (later - here) / _STEP_S
    size = np.array([SIZES_M[d.class_name] for d in users]).reshape(-1, 2)
    unit = np.full(len(users), CAR_SIDE_M)
    return Movers(here, moved, _turned(moved, last), size, unit, foot, metric=True)


def _turned(velocity: Floats, last: Floats | None) -> Floats:
    """Unit vectors along the velocity, or as before where somebody stands; nan if never known."""
    speed = np.hypot(velocity[:, 0], velocity[:, 1])
    before = np.full_like(velocity, np.nan) if last is None else last
    moving = (speed >= _TURNED_FROM_M_S)[:, None]
    return np.where(moving, velocity / np.maximum(speed, 1e-9)[:, None], before)
