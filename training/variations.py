"""Makes pictures differ as cameras do: light, colour, noise, blur, compression, framing."""

from __future__ import annotations

from random import Random

import cv2
import numpy as np

from streaming.simulator.painting import Image
from training.scenes import Boxes


def as_seen(rng: Random, image: Image, strength: float = 1.0) -> Image:
    """The same picture through another camera; strength 0 leaves it as it is."""
    numbers = np.random.default_rng(rng.randrange(1 << 30))
    out = image.astype(np.float32)
    out = out * (1 + strength * rng.uniform(-0.3, 0.3)) + strength * rng.uniform(-22, 22)
    out *= 1 + strength * numbers.normal(0, 0.045, 3)
    grey = out.mean(axis=2, keepdims=True)
    out = grey + (out - grey) * (1 + strength * rng.uniform(-0.6, 0.35))
    if rng.random() < 0.35 * strength:
        out = cv2.GaussianBlur(out, (0, 0), rng.uniform(0.4, 1.3))
    if rng.random() < 0.5 * strength:
        out += numbers.normal(0, rng.uniform(1, 9), out.shape)
    seen: Image = np.clip(out, 0, 255).astype(np.uint8)
    return seen


def framed(
    rng: Random, image: Image, boxes: Boxes, zoom: tuple[float, float], fill: int | None = None
) -> tuple[Image, Boxes]:
    """A mirrored, scaled and moved picture of the same size, and the boxes still in it."""
    height, width = image.shape[:2]
    scale, mirror = rng.uniform(*zoom), rng.random() < 0.5
    free_x, free_y = width * (1 - scale), height * (1 - scale)
    dx, dy = (
        rng.uniform(min(free_x, 0), max(free_x, 0)),
        rng.uniform(min(free_y, 0), max(free_y, 0)),
    )
    matrix = np.array(
        [[-scale if mirror else scale, 0, dx + (width * scale if mirror else 0)], [0, scale, dy]]
    )
    border = cv2.BORDER_REFLECT_101 if fill is None else cv2.BORDER_CONSTANT
    moved = cv2.warpAffine(
        image,
        matrix,
        (width, height),
        flags=cv2.INTER_AREA,
        borderMode=border,
        borderValue=(fill or 0,) * 3,
    )
    kept: Boxes = []
    for name, (x0, y0, x1, y1) in boxes:
        a, b = matrix[0, 0] * x0 + matrix[0, 2], matrix[0, 0] * x1 + matrix[0, 2]
        left, right, top, low = min(a, b), max(a, b), scale * y0 + dy, scale * y1 + dy
        box = (max(left, 0.0), max(top, 0.0), min(right, width), min(low, height))
        if (
            box[2] - box[0] > 6
            and box[3] - box[1] > 6
            and ((box[2] - box[0]) * (box[3] - box[1]) > 0.25 * (right - left) * (low - top))
        ):
            kept.append((name, box))
    return moved.astype(np.uint8), kept
