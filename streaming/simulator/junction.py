"""A synthetic camera at a signalled crossroads, with the truth about what it shows.

`synthetic://junction?seed=1&vehicles=8` names one; the same name gives the same frames for ever.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

import cv2
import numpy as np

from streaming.simulator.figures import sketch_pedestrian, sketch_vehicle
from streaming.simulator.ground import LOOKS, paint_ground
from streaming.simulator.incidents import TrueDanger, dangers
from streaming.simulator.movers import Pedestrian, Vehicle
from streaming.simulator.painting import Image, Ints, Light, Sketch, paint
from streaming.simulator.props import Site, add_props
from streaming.simulator.roads import lamp
from streaming.simulator.spec import JunctionSpec
from streaming.simulator.traffic import STEP_S, Traffic
from streaming.simulator.view import View
from streaming.simulator.weather import headlights, rain, signals

__all__ = ["Junction", "JunctionSpec", "TrueDanger", "TrueObject", "Truth"]

_LEAST_VISIBLE = 0.25
"""An object of which less than this is in the frame and uncovered is not in the truth."""


@dataclass(frozen=True, slots=True)
class TrueObject:
    """Something in the frame. A bicycle's or motorcycle's rider belongs to its box, and is no
    person of its own. xyxy in pixels, the visible part; position in m, velocity in m/s."""

    object_id: int
    class_name: str
    xyxy: tuple[float, float, float, float]
    position_m: tuple[float, float]
    velocity_m_s: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Truth:
    time_s: float
    objects: tuple[TrueObject, ...]
    dangers: tuple[TrueDanger, ...]


class Junction:
    """One crossroads seen by one camera; `advance`, then `render` and `truth` of that moment."""

    def __init__(self, spec: JunctionSpec) -> None:
        self.spec = spec
        rng = Random(spec.seed)
        yaw = rng.choice((-1, 1)) * rng.uniform(14.0, 34.0) if math.isnan(spec.yaw) else spec.yaw
        turn, high = rng.uniform(0.0, 2 * math.pi), rng.uniform(0.9, 1.25)
        high = high if math.isnan(spec.sun) else math.radians(spec.sun)
        flat = math.cos(high)
        self._light = Light(
            (math.cos(turn) * flat, math.sin(turn) * flat, math.sin(high)),
            0.34 if spec.night else (0.82 if spec.rain else 1.0),
            bool(spec.night),
        )
        self._view = View(spec.width, spec.height, yaw, spec.elevation, spec.zoom)
        look = LOOKS[rng.randrange(len(LOOKS)) if spec.style < 0 else spec.style]
        numbers = np.random.default_rng(spec.seed)
        ground = paint_ground(self._view, look, self._light, numbers)
        add_props(Site(self._view, look, self._light, ground, numbers))
        self._ground: Image = ground.image
        self._shade = np.empty((spec.height, spec.width), dtype=np.uint8)
        self._traffic = Traffic(
            spec.seed, spec.vehicles, spec.pedestrians, spec.near_misses, spec.mix
        )
        self._poles = signals(self._view, self._light)
        self._time_s = 0.0
        self._sketches: list[tuple[Vehicle | Pedestrian, Sketch]] | None = None

    def advance(self, to_s: float) -> None:
        """Moves the scene on to a time in s; it never goes back."""
        if to_s < self._time_s:
            raise ValueError(f"cannot go back from {self._time_s} s to {to_s} s")
        while (self._traffic.steps + 1) * STEP_S <= to_s + 1e-9:
            self._traffic.step()
        self._time_s = to_s
        self._sketches = None

    def render(self) -> Image:
        """The frame now, (height, width, 3) BGR."""
        sketches = self._drawn()
        frame = self._lit_ground([s for _, s in sketches])
        shows = [lamp(arm, self._traffic.signal_s) for arm in range(4)]
        if self._light.night:
            headlights(frame, self._view, [m for m, _ in sketches if isinstance(m, Vehicle)])
        poles = [pole[shown] for pole, shown in zip(self._poles, shows, strict=True)]
        for item in sorted([s for _, s in sketches] + poles, key=lambda s: -s.depth):
            paint(frame, item)
        if self.spec.rain:
            rain(frame, self.spec.seed, self._time_s)
        return frame

    def marks(self) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
        """Four points of the frame, as fractions of its size, and where they lie on the ground, m.

        As an operator would measure them for a camera's `homography`.
        """
        fractions = [(0.15, 0.35), (0.85, 0.35), (0.85, 0.9), (0.15, 0.9)]
        pixels = np.array(fractions) * (self.spec.width, self.spec.height)
        return fractions, [(x, y) for x, y in self._view.on_ground(pixels).tolist()]

    def truth(self) -> Truth:
        """What is in the frame now, and who is in danger."""
        objects = []
        for (mover, _), box in zip(self._drawn(), self._visible(), strict=True):
            if box is None:
                continue
            if isinstance(mover, Pedestrian):
                name, position, velocity = "person", (mover.x, mover.y), mover.velocity
            else:
                x, y, angle = mover.pose()
                name, position = mover.class_name, (x, y)
                velocity = (mover.v * math.cos(angle), mover.v * math.sin(angle))
            objects.append(TrueObject(mover.object_id, name, box, position, velocity))
        shown = {o.object_id for o in objects}
        found = dangers(self._traffic.vehicles, self._traffic.pedestrians)
        return Truth(
            self._time_s, tuple(objects), tuple(d for d in found if shown.issuperset(d.object_ids))
        )

    def _drawn(self) -> list[tuple[Vehicle | Pedestrian, Sketch]]:
        """Everybody in or near the frame, farthest first."""
        if self._sketches is None:
            ahead = self._time_s - self._traffic.time_s
            margin = self._view.focal / self._view.distance_m * 8.0  # 8 m: a long bus's half
            every: list[tuple[Vehicle | Pedestrian, Sketch]] = [
                (v, sketch_vehicle(self._view, self._light, v, ahead))
                for v in self._traffic.vehicles
                if self._view.near(*v.pose()[:2], margin)
            ]
            every += [
                (p, sketch_pedestrian(self._view, self._light, p, ahead))
                for p in self._traffic.pedestrians
                if self._view.near(p.x, p.y, margin)
            ]
            self._sketches = sorted(every, key=lambda ms: -ms[1].depth)
        return self._sketches

    def _lit_ground(self, sketches: list[Sketch]) -> Image:
        if self._light.night or self.spec.rain:
            return self._ground.copy()
        self._shade.fill(255)
        for sketch in sketches:
            cv2.fillConvexPoly(self._shade, sketch.shadow, 148, cv2.LINE_AA, 4)
        soft = cv2.blur(self._shade, (3, 3))
        shaded: Image = cv2.multiply(self._ground, cv2.merge([soft, soft, soft]), scale=1 / 255)
        return shaded

    def _visible(self) -> list[tuple[float, float, float, float] | None]:
        """The box of what is seen of each drawn object, None where it is too little."""
        w, h = self.spec.width, self.spec.height
        sketches = [s for _, s in self._drawn()]
        boxes = [s.box() for s in sketches]
        seen: list[tuple[float, float, float, float] | None] = []
        for k, (box, sketch) in enumerate(zip(boxes, sketches, strict=True)):
            clipped = (max(box[0], 0.0), max(box[1], 0.0), min(box[2], w), min(box[3], h))
            area = (clipped[2] - clipped[0]) * (clipped[3] - clipped[1])
            whole = (box[2] - box[0]) * (box[3] - box[1])
            if (
                clipped[2] - clipped[0] < 3
                or clipped[3] - clipped[1] < 3
                or (area < _LEAST_VISIBLE * whole)
            ):
                seen.append(None)
                continue
            above = [
                s.outline
                for s, b in zip(sketches[k + 1 :], boxes[k + 1 :], strict=True)
                if b[0] < box[2] and b[2] > box[0] and b[1] < box[3] and b[3] > box[1]
            ]
            seen.append(_uncovered(clipped, sketch, above) if above else clipped)
        return seen


def _uncovered(
    box: tuple[float, float, float, float], sketch: Sketch, above: list[Ints]
) -> tuple[float, float, float, float] | None:
    """The box of an outline less what nearer outlines cover, None where that is most of it."""
    x0, y0 = int(box[0]), int(box[1])
    mask = np.zeros((math.ceil(box[3]) - y0 + 1, math.ceil(box[2]) - x0 + 1), dtype=np.uint8)
    shift = np.array([x0, y0], dtype=np.int32) * 16
    cv2.fillConvexPoly(mask, sketch.outline - shift, 1, cv2.LINE_8, 4)
    before = int(mask.sum())
    for outline in above:
        cv2.fillConvexPoly(mask, outline - shift, 0, cv2.LINE_8, 4)
    after = int(mask.sum())
    if after == before:
        return box
    if after < _LEAST_VISIBLE * before or after < 12:
        return None
    left, top, width, height = cv2.boundingRect(mask)
    return (
        max(box[0], x0 + left),
        max(box[1], y0 + top),
        min(box[2], x0 + left + width),
        min(box[3], y0 + top + height),
    )
