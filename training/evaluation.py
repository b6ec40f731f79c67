"""How good a model is: mAP on scenes it never saw, and the cars of the recordings."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ultralytics import YOLO

from training import CLASSES, IMAGE_SIZE
from training.fitting import data_file
from training.recordings import Box, read


@dataclass(frozen=True, slots=True)
class ClassScore:
    name: str
    precision: float
    recall: float
    map50: float
    map50_95: float


def scores(weights: Path, folder: Path) -> list[ClassScore]:
    """Ultralytics' own validator on folder/eval; the last entry is over all classes."""
    result = (
        YOLO(str(weights), task="detect")
        .val(
            data=str(data_file(folder)),
            imgsz=IMAGE_SIZE,
            batch=16,
            device="cpu",
            workers=0,
            plots=False,
            verbose=False,
            project=str(folder),
            name="val",
            exist_ok=True,
        )
        .box
    )
    found = []
    for k, index in enumerate(result.ap_class_index.tolist()):
        p, r, ap50, ap = (float(v) for v in result.class_result(k))
        found.append(ClassScore(CLASSES[index], p, r, ap50, ap))
    return [*found, ClassScore("all", *(float(v) for v in result.mean_results()))]


@dataclass(frozen=True, slots=True)
class Sightings:
    """Of the hand-checked frames: how many show something, and in how many of them it is found;
    how many are empty, and in how many of those something is reported."""

    clear: int
    found: int
    empty: int
    alarmed: int


def iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes xyxy in pixels."""
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    shared = width * height
    whole = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / whole if whole > 0 else 0.0


def checked_frames(checked: Path, video: str, class_name: str) -> dict[int, list[Box]]:
    """Frame -> boxes of the road users of one class that a person clearly sees in it.

    The file holds boxes of some frames; between them a box moves in a straight line.
    """
    entry = json.loads(checked.read_text())[video]
    clear: dict[int, list[Box]] = {}
    for track in entry[class_name]:
        keys = sorted(int(k) for k in track)
        for frame in range(keys[0], keys[-1] + 1):
            x0, y0, x1, y1 = (
                float(np.interp(frame, keys, [track[str(k)][side] for k in keys]))
                for side in range(4)
            )
            if y1 - y0 >= entry["clear_px"]:
                clear.setdefault(frame, []).append((x0, y0, x1, y1))
    return clear


def empty_frames(checked: Path, video: str) -> list[int]:
    entry = json.loads(checked.read_text())[video]
    return [k for first, last in entry["empty"] for k in range(first, last + 1)]


def sightings(
    model: YOLO, video: Path, checked: Path, class_name: str, confidence: float = 0.35
) -> Sightings:
    """Looks for one class in the frames that a person has checked by eye.

    A box counts as found where one of the same class overlaps it by an IoU of 0.4.
    """
    images = read(video)
    wanted = checked_frames(checked, video.name, class_name)
    empty = empty_frames(checked, video.name)
    found = sum(
        all(
            any(iou(box, seen) >= 0.4 for seen in _seen(model, images[k], class_name, confidence))
            for box in boxes
        )
        for k, boxes in wanted.items()
    )
    alarmed = sum(bool(_seen(model, images[k], None, confidence)) for k in empty)
    return Sightings(len(wanted), found, len(empty), alarmed)


def _seen(model: YOLO, image: object, class_name: str | None, confidence: float) -> list[Box]:
    boxes = model.predict(image, imgsz=IMAGE_SIZE, conf=confidence, device="cpu", verbose=False)[
        0
    ].boxes
    return [
        (float(b[0]), float(b[1]), float(b[2]), float(b[3]))
        for b, c in zip(boxes.xyxy.tolist(), boxes.cls.tolist(), strict=True)
        if class_name is None or CLASSES[int(c)] == class_name
    ]
