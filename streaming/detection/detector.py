"""Frames to road users, by whatever network and runtime the settings name."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from streaming.detection.classes import CLASS_IDS, class_mapping
from streaming.detection.engines import Engine, OnnxEngine, OpenVinoEngine
from streaming.detection.letterbox import Image, Letterbox
from streaming.detection.model_files import ModelFile, locate, ultralytics_yolo
from streaming.detection.predictions import Predictions, Thresholds, decode
from streaming.errors import ModelError
from streaming.messages import Detection
from streaming.settings import DetectionSettings

_WARM_UP_SIZE = (360, 640)


class Detector(Protocol):
    """A loaded model. Up to `lanes` threads use it at once."""

    name: str
    lanes: int

    def detect(self, frames: Sequence[Image]) -> list[tuple[Detection, ...]]:
        """What each BGR frame shows, best first, in pixels of that frame.

        Raises:
            ModelError: the network failed.
        """


def load(settings: DetectionSettings, state_dir: Path) -> Detector:
    """The model of `detection.model`, ready: the first frame takes no longer than the next.

    Raises:
        ModelError: there is no such model, it cannot be loaded, or it knows no class that
            `detection.classes` wants.
    """
    file = locate(
        settings.model, settings.runtime, size=settings.image_size_px, state_dir=state_dir
    )
    detector: Detector
    if file.runtime == "torch":
        detector = TorchDetector(file, settings, state_dir)
    else:
        detector = ExportedDetector(file, _engine(file, settings, state_dir), settings)
    detector.detect([np.zeros((*_WARM_UP_SIZE, 3), np.uint8)])
    return detector


def to_detections(found: Predictions, names: dict[int, str]) -> tuple[Detection, ...]:
    """Boxes as messages carry them; boxes without area are left out."""
    boxes = [
        (names[int(index)], float(confidence), tuple(round(float(v), 1) for v in xyxy))
        for xyxy, confidence, index in zip(
            found.xyxy, found.confidence, found.class_index, strict=True
        )
    ]
    solid = [b for b in boxes if b[2][2] > b[2][0] and b[2][3] > b[2][1]]
    return tuple(
        Detection(
            object_id=number,
            class_name=name,
            class_id=CLASS_IDS[name],
            confidence=round(confidence, 3),
            xyxy=(box[0], box[1], box[2], box[3]),
        )
        for number, (name, confidence, box) in enumerate(solid)
    )


class ExportedDetector:
    """An exported network: frames of one shape go through it together."""

    def __init__(self, file: ModelFile, engine: Engine, settings: DetectionSettings) -> None:
        self.name = file.name
        self.lanes = engine.lanes
        self._engine = engine
        about = engine.description
        self._size = about.size if about.fixed else settings.image_size_px
        self._batch = about.batch or settings.batch_size
        self._classes = _wanted(about.names, settings)
        self._thresholds = _thresholds(settings, self._classes)

    def detect(self, frames: Sequence[Image]) -> list[tuple[Detection, ...]]:
        about = self._engine.description
        shapes: dict[Letterbox, list[int]] = defaultdict(list)
        for i, frame in enumerate(frames):
            size = (int(frame.shape[0]), int(frame.shape[1]))
            shapes[Letterbox.fit(size, self._size, about.stride, square=about.fixed)].append(i)
        by_input: dict[tuple[int, int], list[tuple[int, Letterbox]]] = defaultdict(list)
        for box, indices in shapes.items():
            by_input[box.input] += [(i, box) for i in indices]
        found: dict[int, tuple[Detection, ...]] = {}
        for members in by_input.values():
            for start in range(0, len(members), self._batch):
                found |= self._through(frames, members[start : start + self._batch])
        return [found[i] for i in range(len(frames))]

    def _through(
        self, frames: Sequence[Image], members: list[tuple[int, Letterbox]]
    ) -> dict[int, tuple[Detection, ...]]:
        about = self._engine.description
        pictures = [box.apply(frames[i]) for i, box in members]
        if about.batch is not None:
            pictures += [pictures[-1]] * (about.batch - len(pictures))
        outputs = self._engine.infer(np.stack(pictures))
        found = {}
        for (i, box), output in zip(members, outputs, strict=False):
            boxes = decode(output, len(about.names), self._thresholds)
            framed = Predictions(box.to_frame(boxes.xyxy), boxes.confidence, boxes.class_index)
            found[i] = to_detections(framed, self._classes)
        return found


class TorchDetector:
    """Any network that ultralytics loads, through ultralytics itself."""

    def __init__(self, file: ModelFile, settings: DetectionSettings, state_dir: Path) -> None:
        yolo = ultralytics_yolo(state_dir)
        try:
            self._model = yolo(str(file.path), task="detect")
            names = dict(self._model.names)
        except (OSError, RuntimeError, ValueError, KeyError, AttributeError, TypeError) as exc:
            raise ModelError(
                f"detection.model: ultralytics cannot load {file.path}: {exc}"
            ) from exc
        self.name = file.name
        self.lanes = 1  # ultralytics' predictor is not made for several threads
        self._classes = _wanted(names, settings)
        self._thresholds = _thresholds(settings, self._classes)
        self._size = settings.image_size_px
        self._device = settings.device

    def detect(self, frames: Sequence[Image]) -> list[tuple[Detection, ...]]:
        try:
            results = self._model.predict(
                list(frames),
                imgsz=self._size,
                conf=self._thresholds.confidence,
                iou=self._thresholds.iou,
                classes=list(self._thresholds.class_indices),
                device=self._device,
                verbose=False,
            )
        except (RuntimeError, ValueError) as exc:
            raise ModelError(f"detection.model: {self.name} failed: {exc}") from exc
        return [to_detections(from_ultralytics(result), self._classes) for result in results]


def from_ultralytics(result: Any) -> Predictions:
    """One `ultralytics.engine.results.Results` as plain arrays."""
    boxes = result.boxes
    return Predictions(
        xyxy=boxes.xyxy.cpu().numpy().astype(np.float32),
        confidence=boxes.conf.cpu().numpy().astype(np.float32),
        class_index=boxes.cls.cpu().numpy().astype(np.int32),
    )


def _engine(file: ModelFile, settings: DetectionSettings, state_dir: Path) -> Engine:
    if file.runtime == "openvino":
        cache = state_dir.absolute() / "models" / "compiled"
        return OpenVinoEngine(file.path, device=settings.device, cache=cache)
    return OnnxEngine(file.path, device=settings.device)


def _wanted(names: dict[int, str] | Any, settings: DetectionSettings) -> dict[int, str]:
    classes = class_mapping(names, frozenset(settings.classes))
    if not classes:
        known = ", ".join(list(map(str, names.values()))[:10])
        raise ModelError(
            f"detection.model: {settings.model} knows none of detection.classes; it knows {known}"
        )
    return classes


def _thresholds(settings: DetectionSettings, classes: dict[int, str]) -> Thresholds:
    return Thresholds(settings.confidence, settings.iou, tuple(classes))
