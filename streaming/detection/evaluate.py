"""A model on labelled pictures: does it find what a person marked?"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from streaming.detection.detector import load
from streaming.detection.labelled import labelled
from streaming.detection.scores import Box, ClassScore, scores
from streaming.messages import Detection
from streaming.settings import DetectionSettings

_ANY_CONFIDENCE = 0.001
"""mAP wants the whole curve, not only what the threshold lets through."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Scores by class, last "all"; the share of pictures without labels in which something of
    at least the working confidence was seen."""

    model: str
    pictures: int
    threshold: float
    scores: tuple[ClassScore, ...]
    empty_pictures: int
    false_alarms: int


def evaluate(
    settings: DetectionSettings, state_dir: Path, folder: Path, say: Callable[[int, int], None]
) -> Evaluation:
    """The model of the settings on the labelled pictures of `folder`; `say` hears how far it is.

    `settings.confidence` is the working threshold. Classes that the settings or the model do not
    know are left out of the labels' count only where Trafficmon does not know them either.

    Raises:
        LabelsError: the folder or a label in it is wrong.
        ModelError: the model cannot be loaded or fails.
    """
    pictures = labelled(folder)
    model = load(settings.model_copy(update={"confidence": _ANY_CONFIDENCE}), state_dir)
    found: list[list[Box]] = []
    labels: list[list[Box]] = []
    for start in range(0, len(pictures), settings.batch_size):
        batch = pictures[start : start + settings.batch_size]
        images = [item.image() for item in batch]
        found += [[_box(d) for d in seen] for seen in model.detect(images)]
        labels += [
            item.boxes((image.shape[1], image.shape[0]))
            for item, image in zip(batch, images, strict=True)
        ]
        say(len(found), len(pictures))
    empty = [boxes for boxes, marked in zip(found, labels, strict=True) if not marked]
    alarms = sum(any(b.confidence >= settings.confidence for b in boxes) for boxes in empty)
    each = tuple(scores(found, labels, settings.confidence))
    return Evaluation(model.name, len(pictures), settings.confidence, each, len(empty), alarms)


def _box(detection: Detection) -> Box:
    return Box(detection.class_name, detection.xyxy, detection.confidence)
