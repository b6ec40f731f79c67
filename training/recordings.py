"""Boxes for the real recordings, by taking the background away.

Both cameras stand still: the median of all frames is the empty place. The exposure of
car-detection.mp4 changes when a bright car passes, so each frame is first brought to the
background's brightness. What automatic labels get wrong is in corrections.json; all of them
were looked at on contact sheets.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from streaming.simulator.painting import Image

Box = tuple[float, float, float, float]
CAR_FILE, GIF_FILE = "car-detection.mp4", "person-bicycle-car.gif"


@dataclass(frozen=True, slots=True)
class Labelled:
    """A frame with its boxes (class name, xyxy in pixels)."""

    index: int
    image: Image
    boxes: tuple[tuple[str, Box], ...]


@dataclass(frozen=True, slots=True)
class Recording:
    name: str
    background: Image
    frames: tuple[Labelled, ...]


def read(path: Path) -> list[Image]:
    capture = cv2.VideoCapture(str(path))
    frames: list[Image] = []
    while True:
        ok, frame = capture.read()
        if not ok:
            return frames
        frames.append(frame.astype(np.uint8))


def recordings(folder: Path) -> list[Recording]:
    corrections = json.loads(Path(__file__).with_name("corrections.json").read_text())
    return [_labelled(folder / name, corrections.get(name, {})) for name in (CAR_FILE, GIF_FILE)]


def _labelled(path: Path, corrections: dict[str, list[list[object]]]) -> Recording:
    images = read(path)
    background = np.median(np.stack(images), axis=0).astype(np.uint8)
    frames = []
    for index, image in enumerate(images):
        boxes = _boxes(path.name, image, background)
        fixed = corrections.get(str(index))
        if fixed is not None:
            boxes = [
                (str(f[0]), (float(f[1]), float(f[2]), float(f[3]), float(f[4])))  # type: ignore[arg-type]
                for f in fixed
            ]
        frames.append(Labelled(index, image, tuple(boxes)))
    return Recording(path.name, background, tuple(frames))


def _foreground(image: Image, background: Image, shadows_too: bool) -> Image:
    """Where a frame differs; without shadows, only where it is brighter or of another colour."""
    gain = np.median(background.astype(np.float32)) / max(float(np.median(image)), 1.0)
    level = cv2.GaussianBlur(cv2.convertScaleAbs(image, alpha=float(gain)), (5, 5), 0)
    difference = level.astype(np.int16) - cv2.GaussianBlur(background, (5, 5), 0)
    if shadows_too:
        different: Image = (np.abs(difference).max(axis=2) > 26).astype(np.uint8)
        return different
    colour = difference.max(axis=2) - difference.min(axis=2)
    brighter: Image = ((difference.min(axis=2) > 22) | (colour > 22)).astype(np.uint8)
    return brighter


def _boxes(name: str, image: Image, background: Image) -> list[tuple[str, Box]]:
    height, width = image.shape[:2]
    size = max(3, width // 60)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    mask = _foreground(image, background, shadows_too=name == GIF_FILE)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel)
    small = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5) if name == CAR_FILE else (2, 2))
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, small)
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask)
    found: list[tuple[str, Box]] = []
    for x, y, w, h, area in stats[1:count].tolist():
        box = (float(x), float(y), float(x + w), float(y + h))
        if name == CAR_FILE:
            if area > 1200 and w > 60 and h > 22:
                found.append(("car", box))
        elif area > 1500:
            found.append(("car", box))
        elif area > 60 and h > 10 and (y < 2 if x < width * 0.55 else y < height // 3):
            found.append(("person" if x < width * 0.55 else "bicycle", box))
    return found
