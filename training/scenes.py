"""Rendered pictures to learn from: crossroads as they are shipped, and scattered ones.

Scattered scenes exist for training only: anybody anywhere, on any ground, seen from anywhere
between level and straight above, so that the model does not learn one place by heart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from random import Random
from typing import Any

import cv2
import numpy as np

from streaming.simulator.figures import sketch_pedestrian, sketch_vehicle
from streaming.simulator.junction import Junction, JunctionSpec
from streaming.simulator.movers import KINDS, Pedestrian, Vehicle, VehicleClass
from streaming.simulator.painting import Image, Light, Sketch, paint
from streaming.simulator.roads import Path
from streaming.simulator.view import View

Boxes = list[tuple[str, tuple[float, float, float, float]]]
EVERY_CLASS: tuple[VehicleClass | None, ...] = (
    None,
    None,
    "bicycle",
    "bicycle",
    "car",
    "car",
    "car",
    "motorcycle",
    "motorcycle",
    "bus",
    "truck",
)
"""What scattered scenes draw from; None is a pedestrian."""


def junction_frames(
    seed: int, count: int, plain: bool, changes: Mapping[str, Any] | None = None
) -> Iterator[tuple[Image, Boxes]]:
    """Frames of one crossroads, 1.3 s apart; plain ones are as cameras.yaml would name them.

    `changes` are to the spec; given, none of night and rain comes by chance.
    """
    rng = Random(seed * 7919 + 13)
    spec = JunctionSpec(
        seed=seed,
        vehicles=rng.randint(7, 15),
        pedestrians=rng.randint(4, 9),
        near_misses=3.0,
        mix="balanced" if rng.random() < 0.75 else "city",
        night=int(rng.random() < 0.15),
        rain=int(rng.random() < 0.12),
    )
    if not plain:
        spec = replace(
            spec,
            yaw=rng.uniform(-180, 180),
            elevation=rng.choice((33.0, rng.uniform(25, 70))),
            zoom=rng.uniform(0.9, 1.9),
        )
    if changes is not None:
        spec = replace(spec, **{"night": 0, "rain": 0} | dict(changes))
    junction = Junction(spec)
    start = rng.uniform(0.0, 8.0)
    for k in range(count):
        junction.advance(start + 1.3 * k)
        truth = junction.truth()
        yield junction.render(), [(o.class_name, o.xyxy) for o in truth.objects]


def scattered(rng: Random, grounds: list[Image]) -> tuple[Image, Boxes]:
    """One scattered scene, 640x360; grounds are pictures without road users to use as well."""
    elevation = rng.uniform(24, 88)
    view = View(640, 360, rng.uniform(-180, 180), elevation, rng.uniform(0.8, 3.0), (0.0, 0.0))
    high, turn = rng.uniform(0.6, 1.4), rng.uniform(0, 2 * math.pi)
    light = Light(
        (math.cos(turn) * math.cos(high), math.sin(turn) * math.cos(high), math.sin(high)),
        rng.uniform(0.65, 1.1),
        False,
    )
    frame = _ground(rng, grounds)
    x, y, _ = view.ground(1)
    taken: list[tuple[float, float, float]] = []
    drawn = []
    for _ in range(rng.choice((1, 2, 4, 7, 10))):
        row, column = rng.randrange(360), rng.randrange(640)
        px, py = float(x[row, column]), float(y[row, column])
        name = rng.choice(EVERY_CLASS)
        reach = 0.5 if name is None else KINDS[name].length * 0.6
        if any(math.hypot(px - qx, py - qy) < reach + other for qx, qy, other in taken):
            continue
        taken.append((px, py, reach))
        drawn.append((name, _somebody(rng, name, px, py)(view, light)))
    shade = np.full((360, 640), 255, dtype=np.uint8)
    depth_of_shadow = rng.randint(120, 235)
    for _, sketch in drawn:
        cv2.fillConvexPoly(shade, sketch.shadow, depth_of_shadow, cv2.LINE_AA, 4)
    shade = cv2.blur(shade, (3, 3)).astype(np.uint8)
    frame = cv2.multiply(frame, cv2.merge([shade] * 3), scale=1 / 255).astype(np.uint8)
    boxes: Boxes = []
    for name, sketch in sorted(drawn, key=lambda d: -d[1].depth):
        paint(frame, sketch)
        x0, y0, x1, y1 = sketch.box()
        box = (max(x0, 0.0), max(y0, 0.0), min(x1, 640.0), min(y1, 360.0))
        whole = (x1 - x0) * (y1 - y0)
        if (
            box[2] - box[0] > 5
            and box[3] - box[1] > 5
            and ((box[2] - box[0]) * (box[3] - box[1]) > 0.25 * whole)
        ):
            boxes.append((name or "person", box))
    return frame, boxes


def _somebody(
    rng: Random, name: VehicleClass | None, x: float, y: float
) -> Callable[[View, Light], Sketch]:
    """Somebody of a class at a place, however turned and dressed; call to have them drawn."""
    angle, look = rng.uniform(-math.pi, math.pi), rng.randrange(1 << 30)
    if name is None:
        pace, stride = rng.choice((0.0, 1.3)), rng.random() * 3
        walker = Pedestrian(0, look, x, y, 1.3, heading=angle, v=pace, stride=stride)
        return lambda view, light: sketch_pedestrian(view, light, walker, 0.0)
    along = np.arange(-10.0, 10.1, 0.25)[:, None] * (math.cos(angle), math.sin(angle)) + (x, y)
    line = Path(0, "straight", along, 1e9, 1e9, 1e9)
    vehicle = Vehicle(0, name, KINDS[name], line, look, s=10.0, braking=rng.random() < 0.3)
    return lambda view, light: sketch_vehicle(view, light, vehicle, 0.0)


def _ground(rng: Random, grounds: list[Image]) -> Image:
    if grounds and rng.random() < 0.3:
        return varied_crop(rng, rng.choice(grounds))
    numbers = np.random.default_rng(rng.randrange(1 << 30))
    base = np.array([rng.uniform(60, 190)] * 3)
    base = base + numbers.normal(0, 8 if rng.random() < 0.7 else 35, 3)
    image = np.zeros((360, 640, 3), dtype=np.float32)
    for cells in (6, 40, 180):
        noise = numbers.normal(0, rng.uniform(1, 11), (cells, cells, 1)).astype(np.float32)
        image += cv2.resize(noise, (640, 360), interpolation=cv2.INTER_CUBIC)[..., None]
    image += base
    for _ in range(rng.randint(0, 12)):  # markings, kerbs, patches
        a = (rng.randint(-100, 740), rng.randint(-60, 420))
        b = (a[0] + rng.randint(-300, 300), a[1] + rng.randint(-200, 200))
        tone = float(rng.uniform(40, 235))
        if rng.random() < 0.6:
            cv2.line(image, a, b, (tone, tone, tone), rng.randint(1, 9), cv2.LINE_AA)
        else:
            cv2.rectangle(image, a, b, tuple(numbers.uniform(50, 210, 3).tolist()), -1)
    for _ in range(rng.choice((0, 0, 3, 8))):  # bushes, bins, stains
        centre = (rng.randrange(640), rng.randrange(360))
        axes = (rng.randint(4, 40), rng.randint(4, 40))
        cv2.ellipse(
            image,
            centre,
            axes,
            rng.randrange(180),
            0,
            360,
            tuple(numbers.uniform(20, 200, 3).tolist()),
            -1,
            cv2.LINE_AA,
        )
    return np.clip(image, 0, 255).astype(np.uint8)


def varied_crop(rng: Random, image: Image) -> Image:
    """A random part of a picture as 640x360, perhaps mirrored."""
    height, width = image.shape[:2]
    w = int(width * rng.uniform(0.5, 1.0))
    h = min(height, int(w * 9 / 16))
    x, y = rng.randint(0, width - w), rng.randint(0, height - h)
    part = cv2.resize(image[y : y + h, x : x + w], (640, 360), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(part[:, ::-1] if rng.random() < 0.5 else part).astype(np.uint8)
