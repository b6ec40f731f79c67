"""Wrong way and standing still, by the zones of a camera. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, inf
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from streaming.detection.classes import CYCLES, MOTOR_VEHICLES
from streaming.detection.ground import to_px
from streaming.messages import Detection, Zone, ZoneKind

STANDS_TOO_LONG_S: Final[dict[ZoneKind, float]] = {
    "no_stopping": 5.0,
    "crossing": 5.0,
    "lane": 60.0,
    "parking": inf,
}
"""From when on a vehicle that stands is told of; a red light is over within a minute."""

_VEHICLES = MOTOR_VEHICLES | CYCLES
_DRIVES_FROM = 0.4
"""Slower than this part of its box's side in a second is manoeuvring, not driving."""

WRONG_WAY_AFTER = 3
"""Sightings in a row: one crooked velocity is no wrong way."""

_AGAINST = -0.5
"""Cosine of 120 degrees."""


@dataclass(frozen=True, slots=True)
class ZoneInPixels:
    """A zone on frames of one size: polygon (n, 2) in px, direction as a unit vector."""

    name: str
    kind: ZoneKind
    polygon: NDArray[np.float32]
    direction: tuple[float, float] | None

    def holds(self, x: float, y: float) -> bool:
        """Whether a pixel lies in it, its edge included."""
        return cv2.pointPolygonTest(self.polygon, (x, y), False) >= 0


def in_pixels(zones: Sequence[Zone], size: tuple[int, int]) -> tuple[ZoneInPixels, ...]:
    """The zones on frames of `size` (width, height)."""
    return tuple(
        ZoneInPixels(z.name, z.kind, to_px(z.polygon, size), _direction(z, size)) for z in zones
    )


def zone_at(zones: Sequence[ZoneInPixels], foot_px: NDArray[np.float64]) -> ZoneInPixels | None:
    """The first zone that holds a point (2,) on the ground."""
    x, y = foot_px.tolist()
    return next((z for z in zones if z.holds(x, y)), None)


def against(zone: ZoneInPixels, user: Detection) -> bool:
    """Whether a vehicle drives against the zone's direction now."""
    if zone.direction is None or user.velocity is None or user.class_name not in _VEHICLES:
        return False
    left, top, right, bottom = user.xyxy
    side, speed = (right - left + bottom - top) / 2, hypot(*user.velocity)
    if speed < _DRIVES_FROM * side:
        return False
    (vx, vy), (dx, dy) = user.velocity, zone.direction
    return (vx * dx + vy * dy) / speed < _AGAINST


def stands_too_long(zone: ZoneInPixels, user: Detection, stood_s: float) -> bool:
    """Whether a motor vehicle has stood longer than is usual where it is."""
    return user.class_name in MOTOR_VEHICLES and stood_s >= STANDS_TOO_LONG_S[zone.kind]


def _direction(zone: Zone, size: tuple[int, int]) -> tuple[float, float] | None:
    if zone.direction is None:
        return None
    start, end = to_px(zone.direction, size).tolist()
    x, y = end[0] - start[0], end[1] - start[1]
    length = hypot(x, y)
    return (x / length, y / length)
