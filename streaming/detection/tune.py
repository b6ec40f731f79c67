"""The shipped model, or another, trained further on an operator's own labelled pictures.

In a process of its own: torch must not stay in whoever asks, and its threads are its own.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from streaming.detection.labelled import OURS, Labelled, labelled
from streaming.detection.model_files import SHIPPED, SHIPPED_NAME, quiet_environment, require_torch
from streaming.errors import LabelsError, ModelError

_HELD_OUT_EVERY = 5
_BLOCK = 10
"""Pictures in a row are alike: every fifth block of ten is held out, not every fifth picture."""

_SPARE_S = 900.0
_SCRIPT = """
import json, sys
from ultralytics import YOLO
start, options = sys.argv[1], json.loads(sys.argv[2])
YOLO(start).train(**options)
"""


@dataclass(frozen=True, slots=True)
class Tuning:
    """`hours` bounds the training; `freeze` the layers (of YOLO11's 23) that keep what they know:
    with few pictures of few places, relearning everything forgets the rest."""

    start: str
    hours: float
    image_size_px: int
    freeze: int = 10
    batch: int = 8


@dataclass(frozen=True, slots=True)
class Split:
    """Training and held-out pictures, in folders that hold links to them."""

    description: Path
    training: int
    held_out: int
    held_out_folder: Path


def split(folder: Path, work: Path) -> Split:
    """Sort a labelled folder into `work`/train and `work`/held-out, with our classes' numbers.

    Raises:
        LabelsError: the folder or a label is wrong, or there are too few pictures to hold any out.
    """
    shutil.rmtree(work, ignore_errors=True)
    pictures = labelled(folder)
    held = [k // _BLOCK % _HELD_OUT_EVERY == _HELD_OUT_EVERY - 1 for k in range(len(pictures))]
    if not any(held):
        least = _BLOCK * (_HELD_OUT_EVERY - 1) + 1
        raise LabelsError(f"{folder} has {len(pictures)} pictures; tuning needs {least} or more")
    for part, wanted in (("train", False), ("held-out", True)):
        chosen = [p for p, is_held in zip(pictures, held, strict=True) if is_held is wanted]
        _write(chosen, work / part)
    description = work / "data.yaml"
    content = {
        "path": str(work.absolute()),
        "train": "train/images",
        "val": "held-out/images",
        "names": dict(enumerate(OURS)),
    }
    description.write_text(yaml.safe_dump(content))
    (work / "held-out" / "data.yaml").write_text(yaml.safe_dump({"names": list(OURS)}))
    return Split(description, held.count(False), held.count(True), work / "held-out")


def _write(pictures: Sequence[Labelled], folder: Path) -> None:
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    for number, item in enumerate(pictures):
        stem = f"{number:06}-{item.picture.stem}"
        (folder / "images" / f"{stem}{item.picture.suffix}").symlink_to(item.picture.absolute())
        boxes = [b for b in item.boxes((1, 1)) if b.class_name in OURS]
        lines = [
            f"{OURS.index(b.class_name)} {(b.xyxy[0] + b.xyxy[2]) / 2:.6f} "
            f"{(b.xyxy[1] + b.xyxy[3]) / 2:.6f} {b.xyxy[2] - b.xyxy[0]:.6f} "
            f"{b.xyxy[3] - b.xyxy[1]:.6f}"
            for b in boxes
        ]
        (folder / "labels" / f"{stem}.txt").write_text("\n".join(lines))


def tune(data: Split, work: Path, tuning: Tuning, state_dir: Path) -> Path:
    """Train on the split and return the weights; they know our six classes.

    Raises:
        ModelError: PyTorch is not installed, the start cannot be loaded, or the training failed or
            took far too long.
    """
    require_torch("training")
    start = SHIPPED / f"{SHIPPED_NAME}.pt" if tuning.start == "builtin" else Path(tuning.start)
    if not start.is_file():
        raise ModelError(f"--start: no file {start}; only .pt files can be trained further")
    log = work / "training.log"
    command = [
        sys.executable,
        "-c",
        _SCRIPT,
        str(start.absolute()),
        json.dumps(_options(data, work, tuning)),
    ]
    environment = os.environ | quiet_environment(state_dir)
    try:
        with log.open("wb") as written:
            done = subprocess.run(
                command,
                env=environment,
                stdout=written,
                stderr=subprocess.STDOUT,
                timeout=tuning.hours * 3600 * 1.5 + _SPARE_S,
                check=False,
            )
    except subprocess.TimeoutExpired as exc:
        raise ModelError(f"the training did not end in time; {log} says how far it was") from exc
    weights = work / "run" / "weights" / "last.pt"
    if done.returncode != 0 or not weights.is_file():
        lines = log.read_text(errors="replace").strip().splitlines()[-1:]
        raise ModelError(f"the training failed: {lines[0] if lines else 'no reason given'} ({log})")
    return weights


def _options(data: Split, work: Path, tuning: Tuning) -> dict[str, object]:
    return {
        "data": str(data.description.absolute()),
        "imgsz": tuning.image_size_px,
        "batch": tuning.batch,
        "nbs": tuning.batch,
        "epochs": 100,
        "time": tuning.hours,
        "freeze": tuning.freeze,
        "device": "cpu",
        "workers": 1,
        "amp": False,
        "optimizer": "AdamW",
        "lr0": 0.0005,
        "lrf": 0.05,
        "cos_lr": True,
        "warmup_epochs": 0.2,
        "mosaic": 0.0,
        "scale": 0.3,
        "translate": 0.1,
        "hsv_v": 0.3,
        "plots": False,
        "val": False,
        "patience": 0,
        "project": str(work.absolute()),
        "name": "run",
        "exist_ok": True,
        "verbose": False,
        "seed": 1,
    }
