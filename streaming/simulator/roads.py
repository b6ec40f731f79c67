"""The ground plan of the crossroads: lanes as paths, crossings, and the signal's cycle.

Metres, x east, y north, origin at the centre; traffic keeps to the right. Arms are numbered
0 east, 1 north, 2 west, 3 south, by where a vehicle comes from.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Move = Literal["straight", "right", "left"]
Lamp = Literal["green", "amber", "red"]

HALF_ROAD_M = 3.6
LANE_M = 1.8
"""Distance of a lane's middle from the road's middle."""
CORNER_RADIUS_M = 2.6
PAVEMENT_M = 2.8
ZEBRA_M = (5.7, 8.5)
STOP_LINE_M = 9.4
REACH_M = 42.0
"""How far the arms reach from the centre."""
STOP_S_M = REACH_M - STOP_LINE_M
"""Arc length of the stop line on every path."""

GREEN_S, AMBER_S, CLEAR_S = 11.0, 2.5, 2.0
PHASE_S = GREEN_S + AMBER_S + CLEAR_S
_STEP_M = 0.25


@dataclass(frozen=True, slots=True)
class Path:
    """A line to drive along: points every 0.25 m of arc length, and where it must be slow."""

    arm: int
    move: Move
    points: Floats
    slow_from_m: float
    slow_to_m: float
    hold_m: float
    """Where a left turn waits for oncoming traffic."""

    @property
    def length_m(self) -> float:
        return (len(self.points) - 1) * _STEP_M

    def at(self, s: float) -> tuple[float, float]:
        """The point at arc length s; beyond the ends the line goes straight on."""
        last = len(self.points) - 2
        k = min(max(int(s / _STEP_M), 0), last)
        t = s / _STEP_M - k
        (x0, y0), (x1, y1) = self.points[k].tolist(), self.points[k + 1].tolist()
        return x0 + (x1 - x0) * t, y0 + (y1 - y0) * t

    def ahead(self, s: Floats) -> Floats:
        """Points (n, 2) at arc lengths s, held at the end of the path."""
        index = np.clip((s / _STEP_M).astype(np.intp), 0, len(self.points) - 1)
        return self.points[index]


@cache
def path(arm: int, move: Move, offset_m: float = 0.0) -> Path:
    """The path from an arm; offset_m shifts it to the right of the lane's middle."""
    lane, reach = LANE_M + offset_m, REACH_M
    if move == "straight":
        corners = [np.array([[lane, -reach], [lane, reach]])]
        slow = (1e9, 1e9)
    else:
        centre = 5.7 if move == "right" else -8.4
        radius = abs(centre - lane)
        turn = np.linspace(0.0, math.pi / 2, 25)
        arc = np.stack([np.cos(turn), np.sin(turn)], axis=1) * radius
        if move == "right":
            arc[:, 0] *= -1
            arc += (centre, -centre)
            end = np.array([[reach, -lane]])
        else:
            arc += (centre, centre)
            end = np.array([[-reach, lane]])
        corners = [np.array([[lane, -reach]]), arc, end]
        begin = reach - abs(centre)
        slow = (begin - 2.0, begin + radius * math.pi / 2)
    local = _resampled(np.concatenate(corners))
    # The local frame drives north out of the south; arm 3 is the south.
    angle = (arm - 3) * math.pi / 2
    turn_by = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    hold = STOP_S_M + 6.2 if move == "left" else 1e9
    return Path(arm, move, local @ turn_by, slow[0], slow[1], hold)


def _resampled(line: Floats) -> Floats:
    lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    s = np.arange(0.0, lengths[-1], _STEP_M)
    return np.stack([np.interp(s, lengths, line[:, 0]), np.interp(s, lengths, line[:, 1])], axis=1)


def lamp(arm: int, time_s: float) -> Lamp:
    """What the signal shows to vehicles from an arm: north and south first, then east and west."""
    phase = time_s % (2 * PHASE_S) - (0.0 if arm % 2 else PHASE_S)
    if 0.0 <= phase < GREEN_S:
        return "green"
    return "amber" if GREEN_S <= phase < GREEN_S + AMBER_S else "red"


def walk(arm: int, time_s: float, needed_s: float = 6.5) -> bool:
    """Whether a pedestrian may begin to cross an arm's road: its traffic is held long enough."""
    phase = time_s % (2 * PHASE_S) - (PHASE_S if arm % 2 else 0.0)
    return 0.8 <= phase < GREEN_S + AMBER_S - needed_s


def on_road(x: float, y: float, margin_m: float = 0.0) -> bool:
    half = HALF_ROAD_M + margin_m
    return abs(x) < half or abs(y) < half
