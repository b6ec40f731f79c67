"""How good a model's boxes are against a person's: mAP50, and precision and recall. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streaming.messages import BBox

Floats = NDArray[np.float64]

SAME = 0.5
"""Intersection over union from which two boxes are the same: the 50 of mAP50."""

_RECALLS = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True, slots=True)
class Box:
    """A box of a class, xyxy in px; a label's confidence is 1."""

    class_name: str
    xyxy: BBox
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One class: `labels` how many there are; `precision` and `recall` at the threshold."""

    name: str
    labels: int
    map50: float
    precision: float
    recall: float


def scores(
    found: Sequence[Sequence[Box]], labels: Sequence[Sequence[Box]], threshold: float
) -> list[ClassScore]:
    """A score for each class that has a label, in the order of their names, and last "all".

    `found` and `labels` are by picture. `found` should hold boxes of any confidence: what is
    under `threshold` counts for mAP50 alone. "all" is the mean over classes, as in COCO; its
    precision and recall are of all boxes together.
    """
    names = sorted({box.class_name for picture in labels for box in picture})
    hits = {name: _hits(name, found, labels) for name in names}
    counts = {
        name: sum(box.class_name == name for picture in labels for box in picture) for name in names
    }
    each = [_score(name, counts[name], hits[name], threshold) for name in names]
    return [*each, _together(each, hits, counts, threshold)]


def average_precision(hit: NDArray[np.bool_], labels: int) -> float:
    """Area under precision over recall, at 101 points as COCO has it.

    `hit` says of each box, the surest first, whether it matched a label.
    """
    if labels == 0 or len(hit) == 0:
        return 0.0
    true = np.cumsum(hit)
    recall, precision = true / labels, true / np.arange(1, len(hit) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(recall, _RECALLS, side="left")
    return float(np.where(at < len(best), best[np.minimum(at, len(best) - 1)], 0.0).mean())


def _hits(
    name: str, found: Sequence[Sequence[Box]], labels: Sequence[Sequence[Box]]
) -> tuple[Floats, NDArray[np.bool_]]:
    """(confidences, whether it is a label's box) of one class over all pictures, surest first."""
    confidence: list[float] = []
    hit: list[bool] = []
    for boxes, marked in zip(found, labels, strict=True):
        ours = sorted((b for b in boxes if b.class_name == name), key=lambda b: -b.confidence)
        left = [b.xyxy for b in marked if b.class_name == name]
        for box in ours:
            overlaps = [iou(box.xyxy, other) for other in left]
            best = int(np.argmax(overlaps)) if overlaps else -1
            same = best >= 0 and overlaps[best] >= SAME
            if same:
                left.pop(best)
            confidence.append(box.confidence)
            hit.append(same)
    order = np.argsort(-np.array(confidence), kind="stable")
    return np.array(confidence)[order], np.array(hit, bool)[order]


def _score(
    name: str, labels: int, hits: tuple[Floats, NDArray[np.bool_]], threshold: float
) -> ClassScore:
    confidence, hit = hits
    sure = hit[confidence >= threshold]
    precision = float(sure.mean()) if len(sure) else 0.0
    return ClassScore(name, labels, average_precision(hit, labels), precision, sure.sum() / labels)


def _together(
    each: Sequence[ClassScore],
    hits: Mapping[str, tuple[Floats, NDArray[np.bool_]]],
    counts: Mapping[str, int],
    threshold: float,
) -> ClassScore:
    total = sum(counts.values())
    sure = [hit[confidence >= threshold] for confidence, hit in hits.values()]
    found, right = sum(map(len, sure)), int(sum(hit.sum() for hit in sure))
    map50 = float(np.mean([s.map50 for s in each])) if each else 0.0
    return ClassScore("all", total, map50, right / max(1, found), right / max(1, total))


def iou(a: BBox, b: BBox) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)
