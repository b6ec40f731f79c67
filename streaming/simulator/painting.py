"""Draws solid bodies on a frame: faces with light and shade, far ones first.

Everything is drawn with sixteenfold sub-pixel coordinates and antialiased edges.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from streaming.simulator.meshes import LAMP_FRONT, LAMP_REAR, Body, Colour
from streaming.simulator.roads import Floats
from streaming.simulator.view import View

Image = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int32]

_SHIFT = 4


@dataclass(frozen=True, slots=True)
class Light:
    """The sun as a direction towards it, and how bright things are (1 by day)."""

    sun: tuple[float, float, float]
    brightness: float
    night: bool

    @property
    def shadow(self) -> tuple[float, float]:
        """Ground offset in m of the shadow of a point 1 m up."""
        return -self.sun[0] / self.sun[2], -self.sun[1] / self.sun[2]


@dataclass(slots=True)
class Sketch:
    """One mover, projected: what to fill, and the outline that its box comes from."""

    depth: float
    outline: Ints
    """(n, 1, 2) sixteenths of a pixel, convex."""
    shadow: Ints
    fills: list[tuple[Ints, Colour]]
    strokes: list[tuple[Ints, Colour, int, bool]]
    dots: list[tuple[int, int, int, Colour]]
    late: list[tuple[Ints, Colour, int, bool]]
    """Strokes over everything else."""

    def box(self) -> tuple[float, float, float, float]:
        """xyxy in pixels, not clipped."""
        points = self.outline[:, 0]
        (x0, y0), (x1, y1) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        return x0 / 16.0, y0 / 16.0, x1 / 16.0 + 1.0, y1 / 16.0 + 1.0


def paint(frame: Image, sketch: Sketch) -> None:
    for points, colour, thickness, closed in sketch.strokes:
        cv2.polylines(frame, [points], closed, colour, thickness, cv2.LINE_AA, _SHIFT)
    for points, colour in sketch.fills:
        cv2.fillConvexPoly(frame, points, colour, cv2.LINE_AA, _SHIFT)
    for points, colour, thickness, closed in sketch.late:
        cv2.polylines(frame, [points], closed, colour, thickness, cv2.LINE_AA, _SHIFT)
    for x, y, radius, colour in sketch.dots:
        cv2.circle(frame, (x, y), radius, colour, -1, cv2.LINE_AA, _SHIFT)


def fixed(pixels: Floats) -> Ints:
    """Pixels in sixteenths, as OpenCV wants them with a shift of 4."""
    return np.rint(pixels * 16.0).astype(np.int32)


def shadow_of(view: View, light: Light, points: Floats) -> Ints:
    """The outline on the ground of the shadow of points (n, 3) in m."""
    dx, dy = light.shadow
    flat = points.copy()
    flat[:, 0] += flat[:, 2] * dx
    flat[:, 1] += flat[:, 2] * dy
    flat[:, 2] = 0.0
    outline: Ints = cv2.convexHull(fixed(view.project(flat)))
    return outline


def solid(
    view: View, light: Light, shape: Body, pose: tuple[float, float, float], braking: bool
) -> Sketch:
    """A body at a pose: x, y in m and the heading in rad."""
    x, y, angle = pose
    c, s = math.cos(angle), math.sin(angle)
    turn = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
    world = shape.vertices @ turn + (x, y, 0.0)
    pixels = view.project(world)
    a, b, d = (pixels[shape.first[:, k]] for k in range(3))
    facing = (b[:, 0] - a[:, 0]) * (d[:, 1] - b[:, 1]) - (b[:, 1] - a[:, 1]) * (d[:, 0] - b[:, 0])
    shade = light.brightness * (0.62 + 0.43 * np.maximum(shape.normals @ turn @ light.sun, 0.0))
    colours = np.clip(shape.colours * shade[:, None], 0, 255).astype(int)
    if light.night:
        colours[shape.shine == LAMP_FRONT] = (225, 250, 255)
    rear = (60, 60, 255) if braking else ((40, 40, 190) if light.night else (36, 36, 140))
    colours[shape.shine == LAMP_REAR] = rear
    points = fixed(pixels)
    fills = []
    seen = (facing < 0).tolist()
    for k, colour in enumerate(colours.tolist()):
        if k in shape.solids:
            start, end = shape.solids[k]
            dark = (colour[0] * 7 // 10, colour[1] * 7 // 10, colour[2] * 7 // 10)
            fills.append((cv2.convexHull(points[start:end]), dark))
        if not seen[k]:
            continue
        fills.append((points[shape.faces[k]], (colour[0], colour[1], colour[2])))
    return Sketch(
        view.depth(x, y),
        cv2.convexHull(points),
        shadow_of(view, light, world[::2]),
        fills,
        [],
        [],
        [],
    )
