"""Road users and frames for the tests of tracking and surrogates; px and s."""

import numpy as np

from streaming.detection.movers import Movers
from streaming.messages import Detection


def user(name, x, y, velocity=None, *, side=20.0, object_id=0):
    box = (x - side / 2, y - side / 2, x + side / 2, y + side / 2)
    return Detection(object_id, name, 0, 0.9, box, velocity=velocity)


def on_ground(*each):
    """Movers in metres, each as (x, y, vx, vy, length, width); turned as they move."""
    rows = np.array(each, np.float64)
    speed = np.hypot(rows[:, 2], rows[:, 3])[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        heading = np.where(speed > 0, rows[:, 2:4] / speed, np.nan)
    unit = np.full(len(rows), 3.0)
    return Movers(rows[:, :2], rows[:, 2:4], heading, rows[:, 4:], unit, rows[:, :2], metric=True)
