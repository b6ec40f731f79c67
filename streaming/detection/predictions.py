"""What a YOLO network puts out, as boxes. Pure."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_MAX_BOXES = 300


@dataclass(frozen=True, slots=True)
class Predictions:
    """Boxes of one image, best first: xyxy in pixels, the model's class numbers."""

    xyxy: NDArray[np.float32]
    confidence: NDArray[np.float32]
    class_index: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Which boxes count: confidence above, overlap (IoU) of one class at most, these classes."""

    confidence: float
    iou: float
    class_indices: tuple[int, ...]


def decode(output: NDArray[np.float32], classes: int, thresholds: Thresholds) -> Predictions:
    """One image's raw output as boxes.

    Two layouts are known: (4 + classes, anchors) with centre, width and height, which wants
    suppression here, and (boxes, 6) with corners, confidence and class of networks that
    suppress by themselves.
    """
    if output.shape[-1] == 6 and output.shape[0] != 4 + classes:
        return _ranked(output[:, :4], output[:, 4], output[:, 5], thresholds)
    scores = output[4 : 4 + classes]
    index = scores.argmax(axis=0)
    best = scores.max(axis=0)
    keep = best > thresholds.confidence
    centre_x, centre_y, width, height = output[:4, keep]
    xyxy = np.stack(
        [
            centre_x - width / 2,
            centre_y - height / 2,
            centre_x + width / 2,
            centre_y + height / 2,
        ],
        axis=1,
    )
    return _suppressed(_ranked(xyxy, best[keep], index[keep], thresholds), thresholds.iou)


def _ranked(
    xyxy: NDArray[np.float32],
    confidence: NDArray[np.float32],
    index: NDArray[np.int64] | NDArray[np.float32],
    thresholds: Thresholds,
) -> Predictions:
    numbers = index.astype(np.int32)
    keep = (
        (confidence > thresholds.confidence)
        & np.isin(numbers, thresholds.class_indices)
        & np.isfinite(xyxy).all(axis=1)
    )
    order = np.flatnonzero(keep)[np.argsort(-confidence[keep], kind="stable")]
    return Predictions(
        xyxy[order].astype(np.float32), confidence[order].astype(np.float32), numbers[order]
    )


def _suppressed(found: Predictions, iou: float) -> Predictions:
    if len(found.confidence) == 0:
        return found
    sizes = found.xyxy[:, 2:] - found.xyxy[:, :2]
    xywh = np.concatenate([found.xyxy[:, :2], sizes], axis=1)
    # OpenCV's stubs ask for sequences, its code takes arrays.
    boxes: Any = (xywh, found.confidence, found.class_index)
    kept = cv2.dnn.NMSBoxesBatched(boxes[0], boxes[1], boxes[2], 0.0, iou)
    order = np.sort(np.asarray(kept, np.int64).reshape(-1))[:_MAX_BOXES]
    return Predictions(found.xyxy[order], found.confidence[order], found.class_index[order])
