"""Signals, headlights and rain: what is drawn besides the movers."""

from __future__ import annotations

import math
from random import Random

import cv2
import numpy as np

from streaming.simulator.meshes import Colour
from streaming.simulator.movers import Vehicle
from streaming.simulator.painting import Image, Light, Sketch, fixed
from streaming.simulator.roads import HALF_ROAD_M, STOP_LINE_M, Lamp
from streaming.simulator.view import View

_LAMPS: dict[Lamp, tuple[float, Colour]] = {
    "red": (3.35, (50, 50, 245)),
    "amber": (3.05, (40, 180, 250)),
    "green": (2.75, (110, 220, 60)),
}


def signals(view: View, light: Light) -> list[dict[Lamp, Sketch]]:
    """For each arm, the signal on a pole at the right of its stop line, for each lamp it shows."""
    return [{shown: _signal(view, light, arm, shown) for shown in _LAMPS} for arm in range(4)]


def _signal(view: View, light: Light, arm: int, shown: Lamp) -> Sketch:
    angle = arm * math.pi / 2
    out, side = STOP_LINE_M + 0.3, HALF_ROAD_M + 0.5
    # Right of somebody who drives inwards from this arm.
    x = math.cos(angle) * out - math.sin(angle) * side
    y = math.sin(angle) * out + math.cos(angle) * side
    high, colour = _LAMPS[shown]
    points = view.project(np.array([(x, y, 0.0), (x, y, 2.6), (x, y, 3.55), (x, y, high)]))
    m = view.focal / view.depth(x, y)
    corners = fixed(points)
    half = np.array([int(0.2 * m * 16), 0])
    box = np.array(
        [corners[1] - half, corners[1] + half, corners[2] + half, corners[2] - half], dtype=np.int32
    )
    grey = (int(84 * light.brightness),) * 3
    lamp_x, lamp_y = corners[3].tolist()
    return Sketch(
        view.depth(x, y),
        box[:, None],
        box[:, None],
        [(box, (30, 34, 36))],
        [(corners[:2], grey, max(1, round(0.12 * m)), False)],
        [(lamp_x, lamp_y, int(0.17 * m * 16), colour)],
        [],
    )


def headlights(frame: Image, view: View, vehicles: list[Vehicle]) -> None:
    """Adds the beams of every vehicle to a frame at night."""
    glow = np.zeros(frame.shape[:2], dtype=np.uint8)
    for vehicle in vehicles:
        if vehicle.class_name == "bicycle":
            continue
        x, y, angle = vehicle.pose()
        c, s = math.cos(angle), math.sin(angle)
        front = vehicle.kind.length / 2
        beam = np.array([(front, 0.5), (front + 7.5, 1.9), (front + 7.5, -1.9), (front, -0.5)])
        world = np.stack(
            [x + c * beam[:, 0] - s * beam[:, 1], y + s * beam[:, 0] + c * beam[:, 1], np.zeros(4)],
            axis=1,
        )
        cv2.fillConvexPoly(glow, fixed(view.project(world)), 44, cv2.LINE_AA, 4)
    soft = cv2.blur(glow, (31, 31))
    cv2.add(frame, cv2.merge([soft // 2, soft, soft]), dst=frame)


def rain(frame: Image, seed: int, time_s: float) -> None:
    """Grey streaks, other ones in every frame, and a veil."""
    rng = Random(f"{seed} {time_s:.3f}")
    height, width = frame.shape[:2]
    cv2.convertScaleAbs(frame, dst=frame, alpha=0.86, beta=20)
    for _ in range(width // 6):
        x, y = rng.randrange(width), rng.randrange(height)
        long = rng.randrange(6, 16)
        cv2.line(frame, (x, y), (x - long // 4, y + long), (176, 174, 172), 1, cv2.LINE_AA)
