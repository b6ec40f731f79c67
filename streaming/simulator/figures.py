"""Sketches of everybody who moves: people, riders with their bicycles, and vehicles.

People and two-wheelers are limbs between joints; vehicles with four wheels or more are bodies.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from random import Random

import cv2
import numpy as np

from streaming.simulator.bodies import PAINTS, body
from streaming.simulator.meshes import TYRE, Colour
from streaming.simulator.movers import Pedestrian, Vehicle
from streaming.simulator.painting import Ints, Light, Sketch, fixed, shadow_of, solid
from streaming.simulator.roads import Floats
from streaming.simulator.view import View

_SKIN: tuple[Colour, ...] = ((150, 180, 222), (120, 156, 205), (84, 116, 168), (58, 80, 120))
# fmt: off
_HAIR: tuple[Colour, ...] = (
    (30, 34, 44), (40, 66, 104), (90, 140, 180), (130, 130, 134), (24, 24, 26),
)
_CLOTHES: tuple[Colour, ...] = (
    (60, 60, 200), (190, 90, 40), (50, 170, 230), (70, 140, 70), (230, 230, 226), (40, 40, 44),
    (150, 70, 130), (60, 120, 220), (170, 160, 60), (120, 110, 100),
)
_TROUSERS: tuple[Colour, ...] = (
    (96, 66, 44), (44, 42, 42), (100, 110, 120), (140, 150, 160), (70, 50, 40),
)
# fmt: on


class _Limbs:
    """Pairs of joints, and the widths in m at both."""

    def __init__(self, *limbs: tuple[int, int, float, float]) -> None:
        self.joints = np.array([limb[:2] for limb in limbs], dtype=np.intp)
        self.widths = np.array([limb[2:] for limb in limbs])


_WALKER = _Limbs(
    (0, 1, 0.2, 0.13),
    (2, 3, 0.2, 0.13),
    (4, 5, 0.14, 0.1),
    (10, 9, 0.5, 0.38),
    (6, 7, 0.13, 0.1),
    (7, 12, 0.26, 0.3),
)
_RIDER = (
    (10, 11, 0.2, 0.16),
    (11, 12, 0.15, 0.12),
    (13, 14, 0.2, 0.16),
    (14, 15, 0.15, 0.12),
    (8, 7, 0.5, 0.36),
    (16, 5, 0.13, 0.1),
    (17, 6, 0.13, 0.1),
)
_CYCLIST = _Limbs(*_RIDER)
_MOTORCYCLIST = _Limbs(
    (1, 2, 0.2, 0.34),
    (20, 3, 0.26, 0.3),
    (3, 4, 0.3, 0.4),
    (4, 0, 0.2, 0.12),
    *_RIDER,
    (18, 19, 0.16, 0.16),
)


def sketch_vehicle(view: View, light: Light, vehicle: Vehicle, ahead_s: float) -> Sketch:
    """A vehicle as it will stand ahead_s seconds from now, at its present speed."""
    pose = vehicle.pose(ahead_s)
    if vehicle.class_name in ("bicycle", "motorcycle"):
        return _two_wheeler(view, light, vehicle, pose)
    return solid(view, light, body(vehicle.class_name, vehicle.look), pose, vehicle.braking)


def sketch_pedestrian(view: View, light: Light, person: Pedestrian, ahead_s: float) -> Sketch:
    """Somebody on foot as they will be ahead_s seconds from now."""
    c, s = math.cos(person.heading), math.sin(person.heading)
    x, y = person.x + person.v * ahead_s * c, person.y + person.v * ahead_s * s
    dress = _dress(person.look)
    swing = math.sin((person.stride + person.v * ahead_s) * 4.2) * (0.3 if person.v > 0 else 0.06)
    joints = np.array(
        [
            (0.0, 0.1, 0.9),
            (swing, 0.1, 0.05),
            (0.0, -0.1, 0.9),
            (-swing, -0.1, 0.05),
            (0.0, 0.22, 1.42),
            (-swing * 0.8, 0.3, 0.9),
            (0.0, -0.22, 1.42),
            (swing * 0.8, -0.3, 0.9),
            (0.0, 0.0, 1.68),
            (0.0, 0.0, 0.88),
            (0.0, 0.0, 1.45),
            (-0.04, 0.0, 1.73),
            (swing * 0.8, -0.3, 0.6),
        ]
    ) * (1.0, 1.0, dress.tall)
    return _figure(view, light, joints, (x, y, math.atan2(s, c)), dress)


@dataclass(frozen=True, slots=True)
class _Dress:
    skin: Colour
    hair: Colour
    coat: Colour
    trousers: Colour
    metal: Colour
    helmet: Colour
    tall: float
    bag: bool


@lru_cache(maxsize=512)
def _dress(look: int) -> _Dress:
    rng = Random(look)
    return _Dress(
        rng.choice(_SKIN),
        rng.choice(_HAIR),
        rng.choice(_CLOTHES),
        rng.choice(_TROUSERS),
        rng.choice(PAINTS),
        rng.choice(_CLOTHES),
        rng.uniform(0.95, 1.08),
        rng.random() < 0.3,
    )


def _lit(colour: Colour, amount: float) -> Colour:
    return (
        min(int(colour[0] * amount), 255),
        min(int(colour[1] * amount), 255),
        min(int(colour[2] * amount), 255),
    )


def _placed(joints: Floats, pose: tuple[float, float, float]) -> Floats:
    x, y, angle = pose
    c, s = math.cos(angle), math.sin(angle)
    turn = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
    world: Floats = joints @ turn + (x, y, 0.0)
    return world


def _limbs(pixels: Floats, limbs: _Limbs, m: float) -> Ints:
    """Tapered limbs (n, 4, 2) between pairs of projected joints, at m pixels a metre."""
    a, b = pixels[limbs.joints[:, 0]], pixels[limbs.joints[:, 1]]
    d = b - a
    long = np.maximum(np.sqrt(d[:, :1] ** 2 + d[:, 1:] ** 2), 1e-6)
    n = d[:, ::-1] * (-m / 2, m / 2) / long
    at_a, at_b = n * limbs.widths[:, :1], n * limbs.widths[:, 1:]
    return fixed(np.stack([a + at_a, b + at_b, b - at_b, a - at_a], axis=1))


def _figure(
    view: View,
    light: Light,
    joints: Floats,
    pose: tuple[float, float, float],
    dress: _Dress,
) -> Sketch:
    """Somebody on foot: joints are two legs, two arms, head, hip, neck and hair."""
    world = _placed(joints, pose)
    p = view.project(world)
    depth = view.depth(pose[0], pose[1])
    m = view.focal / depth
    skin, hair, coat, trousers = (
        _lit(colour, light.brightness)
        for colour in (dress.skin, dress.hair, dress.coat, dress.trousers)
    )
    colours = (trousers, _lit(trousers, 0.8), _lit(coat, 0.75), coat, _lit(coat, 0.85), hair)
    limbs = _limbs(p, _WALKER, m)[: 6 if dress.bag else 5]
    fills = list(zip(limbs, colours, strict=False))
    head, crown = fixed(p[8]).tolist(), fixed(p[11]).tolist()
    dots = [
        (crown[0], crown[1], int(0.15 * m * 16), hair),
        (head[0], head[1], int(0.13 * m * 16), skin),
    ]
    outer = np.concatenate([limbs.reshape(-1, 2), _ring(head, 0.13 * m), _ring(crown, 0.15 * m)])
    return Sketch(depth, cv2.convexHull(outer), shadow_of(view, light, world), fills, [], dots, [])


def _ring(centre: list[int], radius: float) -> Ints:
    r = int(radius * 16)
    x, y = centre
    return np.array([(x - r, y), (x + r, y), (x, y - r), (x, y + r)], dtype=np.int32)


_CIRCLE = np.array([(math.cos(t), math.sin(t)) for t in np.arange(0, 6.28, 2 * math.pi / 12)])


def _two_wheeler(
    view: View, light: Light, vehicle: Vehicle, pose: tuple[float, float, float]
) -> Sketch:
    """A bicycle or motorcycle with its rider."""
    dress, motor = _dress(vehicle.look), vehicle.class_name == "motorcycle"
    skin, hair, coat, trousers, metal = (
        _lit(colour, light.brightness)
        for colour in (
            dress.skin,
            dress.helmet if motor else dress.hair,
            dress.coat,
            dress.trousers,
            dress.metal,
        )
    )
    radius, base = (0.33, 0.72) if motor else (0.34, 0.55)
    rings = [
        np.stack(
            [x + _CIRCLE[:, 0] * radius, np.zeros(12), radius + _CIRCLE[:, 1] * radius], axis=1
        )
        for x in (base, -base)
    ]
    seat, lean = (0.85, 0.12) if motor else (1.0, 0.22)
    bar = 1.05 if motor else 1.12
    pedal = math.sin(vehicle.s * 1.8) * (0.0 if motor else 0.16)
    joints = np.array(
        [
            (base, 0.0, radius),
            (-base, 0.0, radius),
            (0.0, 0.0, 0.36),
            (-0.18, 0.0, seat - 0.06),
            (base - 0.16, 0.0, bar - 0.12),
            (base - 0.24, 0.32, bar),
            (base - 0.24, -0.32, bar),
            (-0.18, 0.0, seat),
            (lean, 0.0, seat + 0.58),
            (lean + 0.12, 0.0, seat + 0.8),
            (-0.12, 0.13, seat),
            (0.16, 0.17, seat - 0.28 + pedal),
            (0.02, 0.14, 0.25 + pedal),
            (-0.12, -0.13, seat),
            (0.16, -0.17, seat - 0.28 - pedal),
            (0.02, -0.14, 0.25 - pedal),
            (lean, 0.2, seat + 0.52),
            (lean, -0.2, seat + 0.52),
            (base + 0.08, 0.12, 0.72),
            (base + 0.08, -0.12, 0.72),
            (-0.95, 0.0, 0.78),
        ]
    )
    world = _placed(np.concatenate([joints, *rings]), pose)
    p = view.project(world)
    wheels = fixed(p[len(joints) :])
    depth = view.depth(pose[0], pose[1])
    m = view.focal / depth
    tyre = _lit(TYRE, light.brightness)
    thin = max(1, round(0.07 * m))
    wide = max(1, round((0.14 if motor else 0.085) * m))
    both = [(wheels[:12], tyre, wide, True), (wheels[12:], tyre, wide, True)]
    if p[0, 1] > p[1, 1]:  # the front wheel is nearer
        both.reverse()
    strokes: list[tuple[Ints, Colour, int, bool]] = both[:1]
    clothes = (
        trousers,
        trousers,
        _lit(trousers, 0.85),
        _lit(trousers, 0.85),
        coat,
        _lit(coat, 0.8),
        _lit(coat, 0.8),
    )
    if motor:
        beam = (225, 250, 255) if light.night else (215, 225, 228)
        limbs = _limbs(p, _MOTORCYCLIST, m)
        fills = list(
            zip(limbs, ((46, 46, 50), metal, metal, _lit(metal, 0.7), *clothes, beam), strict=True)
        )
    else:
        limbs = _limbs(p, _CYCLIST, m)
        fills = list(zip(limbs, clothes, strict=True))
        strokes.append((fixed(p[[1, 2, 3, 1, 3, 4, 2, 4, 0]]), metal, thin, False))
    strokes.append((fixed(p[[5, 4, 6]]), (50, 50, 54), thin, False))
    head = fixed(p[9]).tolist()
    size = 0.17 if motor else 0.14
    dots = [(head[0], head[1], int(size * m * 16), hair)]
    if not motor:
        dots.append((head[0], head[1] + int(m), int(0.11 * m * 16), skin))
    outer = np.concatenate([limbs.reshape(-1, 2), wheels, _ring(head, size * m)])
    return Sketch(
        depth, cv2.convexHull(outer), shadow_of(view, light, world), fills, strokes, dots, both[1:]
    )
