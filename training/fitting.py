"""Fits YOLO11n from nothing on a generated set, on a CPU, and exports it.

Nothing is fetched: the architecture comes with ultralytics as YAML, the weights begin random.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import torch
import yaml
from torch.utils.data import WeightedRandomSampler
from ultralytics import YOLO
from ultralytics.data.build import InfiniteDataLoader
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.utils.torch_utils import strip_optimizer

from training import CLASSES, IMAGE_SIZE

PICTURES_AN_EPOCH = 3000
"""A short epoch: a checkpoint every few minutes, whatever the size of the set."""
NAME = "trafficmon-yolo11n"


class _Trainer(DetectionTrainer):  # type: ignore[misc]  # ultralytics is untyped
    """Draws a part of the set each epoch; all pictures are 16:9, so batches are 320x192."""

    def get_dataloader(
        self, dataset_path: str, batch_size: int = 16, rank: int = 0, mode: str = "train"
    ) -> Any:
        if mode != "train":
            return super().get_dataloader(dataset_path, batch_size, rank, mode)
        dataset = self.build_dataset(dataset_path, mode, batch_size)
        count = min(PICTURES_AN_EPOCH, len(dataset)) // batch_size * batch_size
        return InfiniteDataLoader(
            dataset,
            batch_size=batch_size,
            num_workers=self.args.workers,
            sampler=WeightedRandomSampler([_weight(f) for f in dataset.im_files], count),
            collate_fn=dataset.collate_fn,
        )


def _weight(picture: str) -> float:
    """How often a picture is drawn: crossroads as they are shipped (even seeds) most."""
    kind, number = Path(picture).stem.split("-")[:2]
    if kind == "scene":
        return 1.0 if int(number) % 2 else 1.8
    return 1.2 if kind == "real" else 0.7


def data_file(folder: Path) -> Path:
    """Writes the description that ultralytics wants of folder/train and folder/eval."""
    path = folder / "data.yaml"
    path.write_text(
        yaml.safe_dump(
            {
                "path": str(folder),
                "train": "train/images",
                "val": "eval/images",
                "names": dict(enumerate(CLASSES)),
            }
        )
    )
    return path


def fit(
    folder: Path, hours: float, *, resume: bool = False, start: Path | None = None, threads: int = 2
) -> Path:
    """Trains for a time and returns the last weights; folder keeps the checkpoints in run/.

    resume goes on where a run was interrupted; start begins a new run from older weights.
    """
    last = folder / "run" / "weights" / "last.pt"
    torch.set_num_threads(threads)
    os.environ["OMP_NUM_THREADS"] = str(threads)
    overrides: dict[str, Any] = {
        "model": str(last if resume else start or "yolo11n.yaml"),
        "data": str(data_file(folder)),
        "imgsz": IMAGE_SIZE,
        "rect": True,
        "batch": 8,
        "nbs": 8,
        "epochs": 100,
        "time": hours,
        "device": "cpu",
        "workers": 1,
        "amp": False,
        "pretrained": start is not None,
        "optimizer": "AdamW",
        "lr0": 0.0012,
        "lrf": 0.02,
        "cos_lr": True,
        "warmup_epochs": 0.0 if start else 0.3,
        "weight_decay": 0.01,
        "warmup_bias_lr": 0.0,
        "mosaic": 0.0,
        "close_mosaic": 0,
        "scale": 0.35,
        "translate": 0.1,
        "fliplr": 0.5,
        "hsv_h": 0.02,
        "hsv_s": 0.4,
        "hsv_v": 0.25,
        "erasing": 0.0,
        "plots": False,
        "val": False,
        "patience": 0,
        "project": str(folder),
        "name": "run",
        "exist_ok": True,
        "verbose": False,
        "seed": 1,
        "save_period": -1,
    }
    trainer = _Trainer(overrides=overrides | ({"resume": str(last)} if resume else {}))
    trainer.train()
    return last


def export(weights: Path, out: Path) -> None:
    """Half-precision weights and the OpenVINO model, without traces of this machine."""
    out.mkdir(parents=True, exist_ok=True)
    target = out / f"{NAME}.pt"
    shutil.copyfile(weights, target)
    strip_optimizer(str(target))
    _forget_paths(target)
    made = Path(
        YOLO(str(target)).export(
            format="openvino", half=True, dynamic=True, imgsz=IMAGE_SIZE, device="cpu"
        )
    )
    described = made / "metadata.yaml"
    metadata = yaml.safe_load(described.read_text())
    metadata["description"] = f"Trafficmon {NAME}"
    metadata.get("args", {}).pop("data", None)
    described.write_text(yaml.safe_dump(metadata, sort_keys=False))


def _forget_paths(weights: Path) -> None:
    """Keeps of the training arguments only those that say how the model is to be run."""
    checkpoint = torch.load(weights, map_location="cpu", weights_only=False)
    keep = {"task": "detect", "imgsz": IMAGE_SIZE}
    checkpoint = {
        "model": checkpoint["model"],
        "train_args": keep,
        "epoch": -1,
        "ema": None,
        "optimizer": None,
        "date": checkpoint.get("date"),
        "version": checkpoint.get("version"),
        "license": checkpoint.get("license"),
    }
    checkpoint["model"].args = keep
    for name in ("pt_path", "yaml_file"):
        if hasattr(checkpoint["model"], name):
            delattr(checkpoint["model"], name)
    torch.save(checkpoint, weights)
