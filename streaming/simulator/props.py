"""Houses and trees beside the roads, drawn once onto the ground's picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from streaming.simulator.ground import Ground, Look
from streaming.simulator.meshes import LAMP_FRONT, Builder, Colour
from streaming.simulator.painting import Image, Light, fixed, paint, solid
from streaming.simulator.roads import Floats
from streaming.simulator.view import View

_WARM: Colour = (120, 190, 235)
_DARK: Colour = (92, 84, 74)


@dataclass(frozen=True, slots=True)
class Site:
    """Where props are put, and with what."""

    view: View
    look: Look
    light: Light
    ground: Ground
    rng: np.random.Generator


def add_props(site: Site) -> None:
    """Houses and trees wherever they hide no road, farthest first."""
    view, rng = site.view, site.rng
    props: list[tuple[float, float, float, int]] = []
    for sx in (-1, 1):
        for sy in (-1, 1):
            for _ in range(14):
                px, py = sx * rng.uniform(8.0, 34.0), sy * rng.uniform(8.0, 34.0)
                props.append((view.depth(px, py), px, py, int(rng.random() < 0.12)))
            props += [
                (view.depth(sx * k, sy * 8.2), sx * k, sy * 8.2, 0) for k in (14.0, 20.0, 26.0)
            ]
            props += [
                (view.depth(sx * 8.2, sy * k), sx * 8.2, sy * k, 0) for k in (14.0, 20.0, 26.0)
            ]
            props.append((view.depth(sx * 18.0, sy * 18.0), sx * 18.0, sy * 18.0, 1))
    taken: list[tuple[float, float, float]] = []
    for _, px, py, house in sorted(props, reverse=True):
        size = 7.5 if house else 1.6
        if any(math.hypot(px - qx, py - qy) < size + other for qx, qy, other in taken):
            continue
        placed = _house(site, px, py) if house else _tree(site, px, py)
        if placed:
            taken.append((px, py, size))


def _clear(ground: Ground, pixels: Floats) -> bool:
    """Whether something with these outer pixels would hide no road and no pavement."""
    mask = np.zeros(ground.paved.shape, dtype=np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.rint(pixels).astype(np.int32)), 1)
    return not bool((ground.paved & (mask > 0)).any())


def _darken(image: Image, outline: npt.NDArray[np.int32], amount: float) -> None:
    mask = np.zeros(image.shape[:2], dtype=np.uint8)
    cv2.fillConvexPoly(mask, outline, 255, cv2.LINE_AA, 4)
    mask = cv2.GaussianBlur(mask, (5, 5), 0)
    x, y, width, height = cv2.boundingRect(mask)  # of the pixels that are not 0
    part = np.s_[y : y + height, x : x + width]
    shade = 1.0 - (1.0 - amount) * (mask[part].astype(np.float32) / 255.0)
    image[part] = np.rint(image[part] * shade[..., None]).astype(np.uint8)


def _house(site: Site, px: float, py: float) -> bool:
    """Puts a house there; False where it would hide a road."""
    view, look, light, ground, rng = site.view, site.look, site.light, site.ground, site.rng
    wall = look.walls[int(rng.integers(len(look.walls)))]
    half_x, half_y, high = rng.uniform(4, 6.5), rng.uniform(4, 6.5), rng.uniform(5.0, 12.0)
    corners = np.array(
        [
            (px + a * half_x, py + b * half_y, z)
            for a in (-1, 1)
            for b in (-1, 1)
            for z in (0.0, high)
        ]
    )
    pixels = view.project(corners)
    if not _clear(ground, pixels):
        return False
    b = Builder()
    b.extrude([(-half_x, 0), (half_x, 0), (half_x, high), (-half_x, high)], half_y, wall)
    floors = max(1, int(high // 2.8))
    for floor in range(floors):
        low, top = floor * high / floors + 0.9, (floor + 1) * high / floors - 0.6
        for half, other, flip in ((half_x, half_y, False), (half_y, half_x, True)):
            count = int(half // 1.3)
            for k in range(count):
                c = (k + 0.5) / count * 2 * half - half
                for side in (-1.0, 1.0):
                    y = side * (other + 0.02)
                    quad = [
                        (c - 0.5, y, low),
                        (c + 0.5, y, low),
                        (c + 0.5, y, top),
                        (c - 0.5, y, top),
                    ]
                    if flip:
                        quad = [(q[1], q[0], q[2]) for q in quad]
                    if (side > 0) != flip:
                        quad = quad[::-1]
                    warm = light.night and rng.random() < 0.45
                    b.face(quad, _WARM if warm else _DARK, LAMP_FRONT if warm else 0)
    roof: Colour = (int(wall[0] * 0.62), int(wall[1] * 0.62), int(wall[2] * 0.66))
    inner_x, inner_y = half_x - 0.4, half_y - 0.4
    b.face(
        [
            (-inner_x, -inner_y, high + 0.01),
            (inner_x, -inner_y, high + 0.01),
            (inner_x, inner_y, high + 0.01),
            (-inner_x, inner_y, high + 0.01),
        ],
        roof,
    )
    sketch = solid(view, light, b.build(), (px, py, 0.0), False)
    _darken(ground.image, sketch.shadow, 0.62)
    paint(ground.image, sketch)
    return True


def _tree(site: Site, px: float, py: float) -> bool:
    """Puts a tree there; False where it would hide a road."""
    view, light, ground, rng = site.view, site.light, site.ground, site.rng
    high, wide = rng.uniform(2.3, 3.9), rng.uniform(1.3, 2.1)
    foot, top = view.project(np.array([(px, py, 0.0), (px, py, high)]))
    m = view.focal / view.depth(px, py)
    reach = wide * m * 1.2
    corners = np.array([(-1, -0.8), (1, -0.8), (1, 0.8), (-1, 0.8)]) * reach + top
    if not _clear(ground, np.array([foot, *corners])):
        return False
    dx, dy = light.shadow
    dark = view.project(
        np.array(
            [
                (
                    px + dx * high * 0.75 + wide * math.cos(t),
                    py + dy * high * 0.75 + wide * math.sin(t),
                    0.0,
                )
                for t in np.arange(0, 6.28, 0.4)
            ]
        )
    )
    _darken(ground.image, cv2.convexHull(fixed(dark)), 0.62)
    trunk = tuple(int(v * light.brightness) for v in (52, 72, 92))
    cv2.line(
        ground.image,
        tuple(np.rint(foot * 16).astype(int)),
        tuple(np.rint(top * 16).astype(int)),
        trunk,
        max(1, int(0.3 * m)),
        cv2.LINE_AA,
        4,
    )
    base = np.array(
        ((52, 104, 70), (46, 92, 58), (60, 118, 92), (66, 116, 124))[int(rng.integers(4))]
    )
    sun = np.array([light.sun[0], -light.sun[2]]) / max(
        math.hypot(light.sun[0], light.sun[2]), 1e-6
    )
    for level in range(26):
        part = level / 25
        spread = rng.normal(0.0, 0.36, 2) * (1.0 - 0.4 * part)
        centre = top + (spread + sun * 0.5 * part) * wide * m
        leaf = base * light.brightness * (0.55 + 0.6 * part + rng.uniform(-0.06, 0.06))
        radius = wide * m * (0.62 - 0.4 * part)
        cv2.circle(
            ground.image,
            tuple(np.rint(centre * 16).astype(int)),
            max(int(radius * 16), 16),
            tuple(np.clip(leaf, 0, 255).tolist()),
            -1,
            cv2.LINE_AA,
            4,
        )
    return True
