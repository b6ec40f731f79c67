"""What makes cameras hard to see with: night, rain, a low sun, blur, fisheye, dirt, distance."""

from __future__ import annotations

import math
from random import Random
from typing import Literal, get_args

import cv2
import numpy as np

from streaming.simulator.painting import Image
from training.scenes import Boxes

Condition = Literal["clear", "night", "rain", "low-sun", "blur", "fisheye", "dirt", "far"]
CONDITIONS: tuple[Condition, ...] = get_args(Condition)
WEIGHTS = (4.0, 2.0, 1.5, 1.5, 1.0, 1.5, 1.0, 1.5)
"""How often training scenes are of each."""

_LEAST_PX = 4.0
_EDGE_POINTS = np.linspace(0.0, 1.0, 9)


def scene(condition: Condition, rng: Random) -> dict[str, float]:
    """What of a `JunctionSpec` the condition asks for."""
    match condition:
        case "night":
            return {"night": 1, "rain": int(rng.random() < 0.25)}
        case "rain":
            return {"rain": 1}
        case "low-sun":
            return {"sun": rng.uniform(8.0, 20.0)}
        case "far":
            return {"zoom": rng.uniform(0.5, 0.75)}
        case _:
            return {}


def through_lens(
    condition: Condition, rng: Random, image: Image, boxes: Boxes
) -> tuple[Image, Boxes]:
    """The picture as the condition's camera takes it, and the boxes still in it."""
    match condition:
        case "fisheye":
            return fisheye(image, boxes, rng.uniform(0.12, 0.4))
        case "dirt":
            image = dirty(image, rng)
        case "rain" if rng.random() < 0.5:
            image = dirty(image, rng, dark=False)
        case "night":
            noise = np.random.default_rng(rng.randrange(1 << 30)).normal(0, 7, image.shape)
            image = np.clip(image + noise, 0, 255).astype(np.uint8)
        case "low-sun":
            image = glare(image, rng)
        case "blur":
            image = shaken(image, rng.uniform(3.0, 9.0), rng.uniform(0.0, math.pi))
    return image, boxes


def shaken(image: Image, length_px: float, angle: float) -> Image:
    """Blurred along a line, as by a pole in the wind; the angle in rad."""
    size = 2 * math.ceil(length_px / 2) + 1
    kernel = np.zeros((size, size), np.float32)
    middle, half = size // 2, length_px / 2
    a = (round(middle - half * math.cos(angle)), round(middle - half * math.sin(angle)))
    b = (round(middle + half * math.cos(angle)), round(middle + half * math.sin(angle)))
    cv2.line(kernel, a, b, 1.0)
    return cv2.filter2D(image, -1, kernel / kernel.sum()).astype(np.uint8)


def fisheye(image: Image, boxes: Boxes, strength: float) -> tuple[Image, Boxes]:
    """Barrel distortion: a point at distance r of the middle (1 in the corners) goes to
    r (1 + strength) / (1 + strength r^2)."""
    height, width = image.shape[:2]
    v, u = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = _unbent(u - width / 2, v - height / 2, math.hypot(width, height) / 2, strength)
    mapped = cv2.remap(
        image,
        (x + width / 2).astype(np.float32),
        (y + height / 2).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
    )
    bent = [(name, _bent_box(box, width, height, strength)) for name, box in boxes]
    kept = [(n, b) for n, b in bent if min(b[2] - b[0], b[3] - b[1]) > _LEAST_PX]
    return mapped.astype(np.uint8), kept


def _unbent(
    x: np.ndarray, y: np.ndarray, corner: float, strength: float
) -> tuple[np.ndarray, np.ndarray]:
    """Where in the straight picture a bent one's points come from: the smaller root of the
    quadratic that the formula of `fisheye` is in r."""
    bent = np.hypot(x, y) / corner
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(np.maximum((1 + strength) ** 2 - 4 * strength * bent**2, 0.0))
        factor = np.where(bent > 0, ((1 + strength) - root) / (2 * strength * bent**2), 0.0)
    factor = np.where(bent > 0, factor, 1 / (1 + strength))
    return x * factor, y * factor


def _bent_box(
    box: tuple[float, float, float, float], width: int, height: int, strength: float
) -> tuple[float, float, float, float]:
    """Around the bent edges of a box, inside the picture."""
    x0, y0, x1, y1 = box
    xs, ys = x0 + (x1 - x0) * _EDGE_POINTS, y0 + (y1 - y0) * _EDGE_POINTS
    u = np.concatenate([xs, xs, np.full(9, x0), np.full(9, x1)]) - width / 2
    v = np.concatenate([np.full(9, y0), np.full(9, y1), ys, ys]) - height / 2
    r2 = (u * u + v * v) / (math.hypot(width, height) / 2) ** 2
    factor = (1 + strength) / (1 + strength * r2)
    u, v = u * factor + width / 2, v * factor + height / 2
    return (
        max(float(u.min()), 0.0),
        max(float(v.min()), 0.0),
        min(float(u.max()), width),
        min(float(v.max()), height),
    )


def glare(image: Image, rng: Random) -> Image:
    """A warm, low light from one side that washes part of the picture out."""
    height, width = image.shape[:2]
    x, y = rng.choice((-0.1, 1.1)) * width, rng.uniform(-0.2, 0.4) * height
    v, u = np.mgrid[0:height, 0:width].astype(np.float32)
    light = np.exp(-np.hypot(u - x, v - y) / (width * rng.uniform(0.25, 0.5)))[..., None]
    warm = np.array([0.75, 0.95, 1.1], np.float32)
    out = image * (0.8 + 0.2 * warm) + light * warm * rng.uniform(60, 170)
    return np.clip(out, 0, 255).astype(np.uint8)


def dirty(image: Image, rng: Random, *, dark: bool = True) -> Image:
    """Specks on the glass, out of focus: dirt (dark), or drops that smear what lies behind."""
    height, width = image.shape[:2]
    mask = np.zeros((height, width), np.float32)
    for _ in range(rng.randint(4, 14)):
        centre = (rng.randrange(width), rng.randrange(height))
        axes = (rng.randint(3, width // 20), rng.randint(3, width // 20))
        cv2.ellipse(mask, centre, axes, rng.randrange(180), 0, 360, rng.uniform(0.4, 0.9), -1)
    mask = cv2.GaussianBlur(mask, (0, 0), width / 130)[..., None]
    behind = cv2.GaussianBlur(image, (0, 0), width / 60).astype(np.float32)
    cover = behind * 0.35 + 20 if dark else behind * 1.08 + 6
    return np.clip(image * (1 - mask) + cover * mask, 0, 255).astype(np.uint8)
