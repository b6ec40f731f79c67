"""Pictures with a person's labels, in the folders that YOLO tools write."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import yaml

from streaming.detection.classes import known_class
from streaming.detection.letterbox import Image
from streaming.detection.scores import Box
from streaming.errors import LabelsError

OURS = ("person", "bicycle", "car", "motorcycle", "bus", "truck")
"""What the numbers mean where the folder does not say: the shipped model's order."""

_PICTURES = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}


@dataclass(frozen=True, slots=True)
class Labelled:
    """One picture and its label file; a picture without one shows nobody."""

    picture: Path
    labels: Path
    names: Mapping[int, str]

    def image(self) -> Image:
        """The picture, BGR.

        Raises:
            LabelsError: it cannot be read.
        """
        image = cv2.imread(str(self.picture))
        if image is None:
            raise LabelsError(f"{self.picture} is no picture that OpenCV can read")
        return np.asarray(image, np.uint8)

    def boxes(self, size: tuple[int, int]) -> list[Box]:
        """The labels of classes that Trafficmon knows, on a picture of `size` (width, height).

        Raises:
            LabelsError: a line is no label; the message names file and line.
        """
        if not self.labels.is_file():
            return []
        lines = self.labels.read_text(encoding="utf-8").splitlines()
        found = [
            self._box(line, f"{self.labels}:{number}", size)
            for number, line in enumerate(lines, 1)
            if line.strip()
        ]
        return [box for box in found if box is not None]

    def _box(self, line: str, where: str, size: tuple[int, int]) -> Box | None:
        try:
            number, *values = line.split()
            index, figures = int(number), [float(v) for v in values]
        except ValueError:
            raise LabelsError(f"{where}: {line!r} is no class number with four numbers") from None
        if len(figures) > 4 and len(figures) % 2 == 0:  # an outline: YOLO's segments
            xs, ys = figures[::2], figures[1::2]
            left, top, right, bottom = min(xs), min(ys), max(xs), max(ys)
        elif len(figures) == 4:
            x, y, w, h = figures
            left, top, right, bottom = x - w / 2, y - h / 2, x + w / 2, y + h / 2
        else:
            raise LabelsError(f"{where}: {line!r} is no class number with four numbers")
        if index not in self.names:
            raise LabelsError(f"{where}: class {index} has no name in data.yaml or classes.txt")
        name, (width, height) = known_class(self.names[index]), size
        if name is None:
            return None
        return Box(name, (left * width, top * height, right * width, bottom * height))


def labelled(folder: Path) -> list[Labelled]:
    """All pictures under `folder`, by path.

    Labels lie beside the pictures, or in a folder `labels` where the pictures' is `images`.
    `data.yaml` or `classes.txt` names the classes; without either they are `OURS`.

    Raises:
        LabelsError: there is no picture, no label at all, or `data.yaml` has no names.
    """
    names = _names(folder)
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in _PICTURES)
    if not paths:
        raise LabelsError(f"{folder} has no pictures ({', '.join(sorted(_PICTURES))})")
    found = [Labelled(path, _labels_of(path), names) for path in paths]
    if not any(item.labels.is_file() for item in found):
        raise LabelsError(f"{folder} has pictures but no label, such as {found[0].labels}")
    return found


def _labels_of(picture: Path) -> Path:
    beside = picture.with_suffix(".txt")
    parts = list(picture.parts)
    if beside.is_file() or "images" not in parts:
        return beside
    last = len(parts) - 1 - parts[::-1].index("images")
    parts[last] = "labels"
    return Path(*parts).with_suffix(".txt")


def _names(folder: Path) -> dict[int, str]:
    described, listed = folder / "data.yaml", folder / "classes.txt"
    if described.is_file():
        try:
            content = yaml.safe_load(described.read_text(encoding="utf-8"))
        except yaml.YAMLError as exc:
            raise LabelsError(f"{described} is no YAML: {exc}") from exc
        names = content.get("names") if isinstance(content, dict) else None
        if isinstance(names, list):
            return {number: str(name) for number, name in enumerate(names)}
        if isinstance(names, dict):
            return {int(number): str(name) for number, name in names.items()}
        raise LabelsError(f"{described} must have `names`: a list, or numbers with names")
    if listed.is_file():
        lines = listed.read_text(encoding="utf-8").split("\n")
        return {k: line.strip() for k, line in enumerate(lines) if line.strip()}
    return dict(enumerate(OURS))
