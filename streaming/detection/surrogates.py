"""How dangerous a group looks before anyone has judged it. Pure.

The risk of a pair has two parts, and the greater counts.

- Nearness: `weight x closeness`. Closeness = 1 / (1 + gap / size): `gap` is the free space
  between the two boxes and `size` the mean of their sides, so that a pair far away and one near
  to the camera count alike. Boxes that touch have 1, boxes one size apart 0.5. Weight says who
  meets whom: the weaker the one and the heavier the other, the more. Once both velocities are
  known, it counts half, and where both stand 0.15 of it: people wait beside cars all day.
- Course: `sqrt(weight) x urgency`, the most urgent of three. A collision (on the ground
  also passing within 0.45 m) in t s: 1 - t / 4, in proportion for those who close by less than
  half a side a second. A time gap to the one in front: 1 - t. A post-encroachment time of t s, not
  longer ago than 2 s: 1 - t / 2. On a collision course it matters less who the two are.

A group has the risk of its worst pair, and no less than that of a member who drives the wrong
way (0.8) or stands where nobody should (0.4).
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from streaming.detection.classes import CYCLES, MOTOR_VEHICLES, PEDESTRIANS
from streaming.detection.conflicts import closing_speeds, speeds
from streaming.detection.movers import Floats, Movers
from streaming.messages import Detection

NEARLY: Final = 0.15
"""Passing nearer than this part of a car's side (0.45 m) is as bad as touching; measured on the
ground only: in pixels boxes are larger than what they hold."""
WRONG_WAY_RISK: Final = 0.8
STOPPED_RISK: Final = 0.4
COLLISION_WITHIN_S = 4.0
GAP_WITHIN_S = 1.0
ENCROACHMENT_WITHIN_S = 2.0

_CLOSING_AT, _MOVING_AT = 0.5, 1.0
_KNOWN, _STANDING = 0.5, 0.15
_KINDS = ("pedestrian", "cycle", "motorcycle", "vehicle", "other")
_WEIGHTS = np.array(
    [
        [0.05, 0.4, 0.9, 1.0, 0.0],
        [0.4, 0.2, 0.6, 0.85, 0.0],
        [0.9, 0.6, 0.5, 0.7, 0.0],
        [1.0, 0.85, 0.7, 0.5, 0.0],
        [0.0, 0.0, 0.0, 0.0, 0.0],
    ]
)
"""Who meets whom, by `_KINDS`."""


def near_risks(users: Sequence[Detection]) -> Floats:
    """(n, n) weight x closeness, from boxes alone; 0 with oneself."""
    boxes = np.array([d.xyxy for d in users]).reshape(-1, 4)
    kinds = [_kind(d) for d in users]
    sides = (boxes[:, 2] - boxes[:, 0] + boxes[:, 3] - boxes[:, 1]) / 2
    between = np.maximum(boxes[:, None, :2] - boxes[None, :, 2:], 0.0)
    between = np.maximum(between, between.transpose(1, 0, 2))
    gap = np.hypot(between[..., 0], between[..., 1])
    size = np.maximum(1.0, (sides[:, None] + sides) / 2)
    risks: Floats = _WEIGHTS[kinds][:, kinds] / (1.0 + gap / size)
    np.fill_diagonal(risks, 0.0)
    return risks


def moving_risks(
    users: Sequence[Detection],
    movers: Movers,
    collisions_s: Floats,
    gaps_s: Floats,
    encroachments_s: Floats,
) -> Floats:
    """(n, n) risks of pairs who move as `movers` says.

    The times (n, n) are inf where nobody collides, follows or crossed another's way.
    """
    near, kinds = near_risks(users), [_kind(d) for d in users]
    unit = (movers.unit[:, None] + movers.unit) / 2
    pace = speeds(movers)
    fastest = np.minimum(1.0, np.maximum(pace[:, None], pace) / (_MOVING_AT * unit))
    closing = np.clip(closing_speeds(movers) / (_CLOSING_AT * unit), 0.0, 1.0)
    urgency = np.maximum.reduce(
        [
            _left(collisions_s, COLLISION_WITHIN_S) * closing,
            _left(gaps_s, GAP_WITHIN_S) * fastest,
            _left(encroachments_s, ENCROACHMENT_WITHIN_S) * fastest,
        ]
    )
    course = np.sqrt(_WEIGHTS[kinds][:, kinds]) * urgency
    moving = np.maximum(near * (_STANDING + (_KNOWN - _STANDING) * fastest), course)
    risks = np.where(np.isfinite(fastest), moving, near)
    np.fill_diagonal(risks, 0.0)
    return risks


def _left(times_s: Floats, within_s: float) -> Floats:
    """1 for now, 0 for `within_s` and later."""
    return 1.0 - np.minimum(times_s, within_s) / within_s


def _kind(detection: Detection) -> int:
    name = detection.class_name
    if name in PEDESTRIANS:
        return 0
    if name in CYCLES:
        return 1
    if name == "motorcycle":
        return 2
    return 3 if name in MOTOR_VEHICLES else 4
