"""Small polyhedra, and how they are put together out of boxes, cabins, wheels and lamps.

A body's own frame: x forward, y left, z up, in m, origin on the ground below its middle.
Faces are listed so that those further up come later; faces that look away are not drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streaming.simulator.roads import Floats

Colour = tuple[int, int, int]
"""Blue, green, red."""
Point = tuple[float, float, float]

GLASS: Colour = (62, 52, 44)
TYRE: Colour = (32, 32, 34)
HUB: Colour = (150, 150, 150)
LAMP_FRONT, LAMP_REAR = -1, -2
"""Markers in `Body.shine` for faces that shine."""


@dataclass(frozen=True, slots=True)
class Body:
    vertices: Floats
    faces: tuple[npt.NDArray[np.intp], ...]
    first: npt.NDArray[np.intp]
    """(f, 3): three corners of each face, to see which way it looks."""
    normals: Floats
    colours: Floats
    shine: npt.NDArray[np.intp]
    """Per face: 0, or one of the LAMP_ markers."""
    solids: dict[int, tuple[int, int]]
    """Convex parts: first face -> range of vertices, filled below the faces to close the seams."""


class Builder:
    """Collects the faces of a body, lowest part first."""

    def __init__(self) -> None:
        self.faces: list[tuple[list[Point], Colour, int]] = []
        self.solids: dict[int, int] = {}

    def face(self, points: Sequence[Point], colour: Colour, shine: int = 0) -> None:
        self.faces.append((list(points), colour, shine))

    def extrude(self, profile: list[tuple[float, float]], half: float, colour: Colour) -> None:
        """A side view (x, z), clockwise seen from the right, drawn out over the width."""
        turned = profile[1:] + profile[:1]
        self.solids[len(self.faces)] = len(self.faces) + 2 + len(profile)
        self.face([(x, half, z) for x, z in reversed(profile)], colour)
        self.face([(x, -half, z) for x, z in profile][::1], colour)
        for (x0, z0), (x1, z1) in zip(profile, turned, strict=True):
            self.face([(x0, -half, z0), (x0, half, z0), (x1, half, z1), (x1, -half, z1)], colour)

    def cabin(
        self,
        low: tuple[float, float, float, float],
        high: tuple[float, float, float, float],
        colour: Colour,
        panes: int,
    ) -> None:
        """Windows all round and a roof: low and high are rear x, front x, half width, z."""
        (r0, f0, w0, z0), (r1, f1, w1, z1) = low, high
        a, b, c, d = (r0, -w0, z0), (f0, -w0, z0), (f0, w0, z0), (r0, w0, z0)
        e, f, g, h = (r1, -w1, z1), (f1, -w1, z1), (f1, w1, z1), (r1, w1, z1)
        self.solids[len(self.faces)] = len(self.faces) + 2 * (1 + panes) + 5
        for quad in ((a, b, f, e), (c, d, h, g)):
            self.face(quad, colour)
            for k in range(panes):
                self.face(_inset(quad, (k + 0.07) / panes, (k + 0.93) / panes, 0.08, 0.84), GLASS)
        for quad in ((b, c, g, f), (d, a, e, h)):
            self.face(quad, colour)
            self.face(_inset(quad, 0.06, 0.94, 0.06, 0.9), GLASS)
        self.face((e, f, g, h), colour)

    def wheels(self, xs: Sequence[float], half: float, radius: float) -> None:
        ring = [(np.cos(t), np.sin(t)) for t in np.arange(0.2, 6.28, 2 * np.pi / 9)]
        for x in xs:
            for side in (1.0, -1.0):
                for size, colour, out in ((1.0, TYRE, 0.0), (0.5, HUB, 0.02)):
                    points = [
                        (x + c * radius * size, side * (half + out), radius + s * radius * size)
                        for c, s in ring
                    ]
                    self.face(points[::-1] if side > 0 else points, colour)

    def lamps(self, x: float, half: float, low: float, high: float, shine: int) -> None:
        """A pair of lamps on the front (x > 0) or the rear, each 0.38 m wide."""
        colour = (235, 245, 250) if shine == LAMP_FRONT else (40, 40, 150)
        for side in (1.0, -1.0):
            y0, y1 = side * half, side * (half - 0.38)
            quad = [(x, y0, low), (x, y1, low), (x, y1, high), (x, y0, high)]
            self.face(quad if (side > 0) == (x < 0) else quad[::-1], colour, shine)

    def build(self) -> Body:
        vertices: list[Point] = []
        faces, normals = [], []
        for points, _, _ in self.faces:
            start = len(vertices)
            vertices += points
            faces.append(np.arange(start, start + len(points)))
            p = np.array(points)
            normal = np.cross(p[1] - p[0], p[2] - p[1])
            normals.append(normal / max(float(np.linalg.norm(normal)), 1e-9))
        return Body(
            np.array(vertices),
            tuple(faces),
            np.array([f[:3] for f in faces]),
            np.array(normals),
            np.array([c for _, c, _ in self.faces], dtype=np.float64),
            np.array([s for _, _, s in self.faces]),
            {a: (int(faces[a][0]), int(faces[b - 1][-1]) + 1) for a, b in self.solids.items()},
        )


def _inset(quad: Sequence[Point], u0: float, u1: float, v0: float, v1: float) -> list[Point]:
    """Part of a quad: u along its first side, v towards the opposite one."""
    a, b, c, d = (np.array(p) for p in quad)

    def at(u: float, v: float) -> Point:
        x, y, z = ((1 - v) * ((1 - u) * a + u * b) + v * ((1 - u) * d + u * c)).tolist()
        return x, y, z

    return [at(u0, v0), at(u1, v0), at(u1, v1), at(u0, v1)]
