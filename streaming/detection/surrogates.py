"""How dangerous a group looks before anyone has judged it. Pure.

The risk of a pair is `weight x closeness`, and a group has the risk of its worst pair.

- closeness = 1 / (1 + gap / size): `gap` is the free space between the two boxes and `size`
  the mean of the two boxes' sides, so that a pair far away and one near to the camera count
  alike. Boxes that touch have 1, boxes one size apart have 0.5.
- weight says who meets whom: the weaker the one and the heavier the other, the more.
- Where both have velocities, a collision course within 5 s raises closeness to what the
  time left asks for, and a pair that draws apart counts half.
"""

from collections.abc import Sequence
from itertools import combinations
from math import hypot, sqrt

from streaming.detection.classes import CYCLES, MOTOR_VEHICLES, PEDESTRIANS
from streaming.messages import BBox, Detection

_HORIZON_S = 5.0
_DRAWING_APART = 0.5
_WEIGHTS = {
    ("pedestrian", "vehicle"): 1.0,
    ("cycle", "vehicle"): 0.85,
    ("motorcycle", "vehicle"): 0.7,
    ("vehicle", "vehicle"): 0.5,
    ("motorcycle", "pedestrian"): 0.9,
    ("cycle", "motorcycle"): 0.6,
    ("motorcycle", "motorcycle"): 0.5,
    ("cycle", "pedestrian"): 0.4,
    ("cycle", "cycle"): 0.2,
    ("pedestrian", "pedestrian"): 0.05,
}


def group_risk(members: Sequence[Detection]) -> float:
    """0 (nothing near) to 1 (a pedestrian touching a vehicle), to three digits."""
    risk = max((pair_risk(a, b) for a, b in combinations(members, 2)), default=0.0)
    return round(min(1.0, max(0.0, risk)), 3)


def pair_risk(a: Detection, b: Detection) -> float:
    """0 to 1, as the module explains."""
    first, second = sorted((_kind(a), _kind(b)))
    weight = _WEIGHTS.get((first, second), 0.0)
    closeness = 1.0 / (1.0 + _gap(a.xyxy, b.xyxy) / max(1.0, (_side(a) + _side(b)) / 2))
    if a.velocity is None or b.velocity is None:
        return weight * closeness
    left_s = time_to_collision_s(a, b)
    if left_s is None:
        return weight * closeness * (_DRAWING_APART if _draws_apart(a, b) else 1.0)
    return weight * max(closeness, 1.0 - min(left_s, _HORIZON_S) / _HORIZON_S)


def time_to_collision_s(a: Detection, b: Detection) -> float | None:
    """Seconds until the circles around two road users touch, or None if they never do.

    Positions in px, velocities in px/s, both in the frame's coordinates; a circle is half a
    box's mean side wide. Constant velocity is assumed, as in Hayward (1972).
    """
    if a.velocity is None or b.velocity is None:
        return None
    x, y = _offset(a.xyxy, b.xyxy)
    vx, vy = b.velocity[0] - a.velocity[0], b.velocity[1] - a.velocity[1]
    reach = (_side(a) + _side(b)) / 2
    apart2 = x * x + y * y - reach * reach
    if apart2 <= 0:
        return 0.0
    speed2 = vx * vx + vy * vy
    closing = -(x * vx + y * vy)
    discriminant = closing * closing - speed2 * apart2
    if closing <= 0 or discriminant < 0:
        return None
    return (closing - sqrt(discriminant)) / speed2


def _draws_apart(a: Detection, b: Detection) -> bool:
    if a.velocity is None or b.velocity is None:
        return False
    x, y = _offset(a.xyxy, b.xyxy)
    return x * (b.velocity[0] - a.velocity[0]) + y * (b.velocity[1] - a.velocity[1]) > 0


def _kind(detection: Detection) -> str:
    name = detection.class_name
    if name in PEDESTRIANS:
        return "pedestrian"
    if name in CYCLES:
        return "cycle"
    if name == "motorcycle":
        return "motorcycle"
    return "vehicle" if name in MOTOR_VEHICLES else "other"


def _offset(a: BBox, b: BBox) -> tuple[float, float]:
    return ((b[0] + b[2] - a[0] - a[2]) / 2, (b[1] + b[3] - a[1] - a[3]) / 2)


def _side(detection: Detection) -> float:
    left, top, right, bottom = detection.xyxy
    return (right - left + bottom - top) / 2


def _gap(a: BBox, b: BBox) -> float:
    across = max(0.0, a[0] - b[2], b[0] - a[2])
    down = max(0.0, a[1] - b[3], b[1] - a[3])
    return hypot(across, down)
