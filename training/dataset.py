"""Writes a data set in the form ultralytics reads: 320x180 pictures and a text file each."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random

import cv2

from streaming.simulator.painting import Image
from training import CLASSES
from training.conditions import CONDITIONS, WEIGHTS, Condition, scene, through_lens
from training.recordings import CAR_FILE, Recording, recordings
from training.scenes import Boxes, junction_frames, scattered
from training.variations import as_seen, framed

WIDTH, HEIGHT = 320, 180
EVALUATION_SEED = 900_000
"""Scenes from this seed on are for evaluation and never trained on."""
HELD_OUT_SEED = 950_000
"""From here on those of the held-out conditions."""
_FRAMES_A_SCENE = 30


def write(folder: Path, stem: str, image: Image, boxes: Boxes, quality: int) -> None:
    """One picture at 320x180 (others are letterboxed onto grey) with its label file."""
    height, width = image.shape[:2]
    scale = min(WIDTH / width, HEIGHT / height)
    w, h = round(width * scale), round(height * scale)
    small = cv2.resize(
        image, (w, h), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    )
    x, y = (WIDTH - w) // 2, (HEIGHT - h) // 2
    framed_image = cv2.copyMakeBorder(
        small, y, HEIGHT - h - y, x, WIDTH - w - x, cv2.BORDER_CONSTANT, value=(114, 114, 114)
    )
    cv2.imwrite(
        str(folder / "images" / f"{stem}.jpg"), framed_image, [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    lines = []
    for name, (x0, y0, x1, y1) in boxes:
        if min(x1 - x0, y1 - y0) * scale < 2.5:
            continue
        lines.append(
            f"{CLASSES.index(name)} {((x0 + x1) / 2 * scale + x) / WIDTH:.5f} "
            f"{((y0 + y1) / 2 * scale + y) / HEIGHT:.5f} {(x1 - x0) * scale / WIDTH:.5f} "
            f"{(y1 - y0) * scale / HEIGHT:.5f}"
        )
    (folder / "labels" / f"{stem}.txt").write_text("\n".join(lines))


def write_scene(folder: Path, seed: int, plain: bool, varied: bool) -> None:
    """The frames of one crossroads: varied for training, as they are for evaluation."""
    rng = Random(seed)
    condition = rng.choices(CONDITIONS, WEIGHTS)[0] if varied else "clear"
    changes = scene(condition, rng) if varied else None
    frames = junction_frames(seed, _FRAMES_A_SCENE if varied else 10, plain, changes)
    for k, frame in enumerate(frames):
        image, boxes = frame
        if varied:
            image, boxes = through_lens(condition, rng, image, boxes)
            if not plain or rng.random() < 0.3:
                image, boxes = framed(rng, image, boxes, (0.8, 1.5), fill=rng.randint(60, 160))
            image = as_seen(rng, image, rng.choice((0.0, 0.4, 1.0)))
        quality = rng.randint(60, 96) if varied else 90
        write(folder, f"scene-{seed:06}-{k:02}", image, boxes, quality)


def write_held_out(folder: Path, seed: int, condition: Condition) -> None:
    """Ten frames of a crossroads that training never sees, from any side, under one condition."""
    rng = Random(seed)
    frames = junction_frames(seed, 10, seed % 2 == 0, scene(condition, rng))
    for k, frame in enumerate(frames):
        image, boxes = through_lens(condition, rng, *frame)
        write(folder, f"scene-{seed:06}-{k:02}", image, boxes, 90)


def write_scattered(folder: Path, seed: int, count: int, data: Path) -> None:
    rng = Random(seed)
    grounds = [r.background for r in _recordings(data)]
    for k in range(count):
        image, boxes = scattered(rng, grounds)
        write(
            folder, f"scattered-{seed:06}-{k:03}", as_seen(rng, image), boxes, rng.randint(50, 96)
        )


def write_recordings(folder: Path, seed: int, copies: int, data: Path) -> None:
    """Every frame of the recordings several times, each time seen differently."""
    rng = Random(seed)
    for recording in _recordings(data):
        for labelled in recording.frames:
            is_car = recording.name == CAR_FILE
            times = (copies if is_car else 3 * copies) if labelled.boxes else max(1, copies // 3)
            for k in range(times):
                image, boxes = labelled.image, list(labelled.boxes)
                if k:
                    image, boxes = framed(
                        rng,
                        image,
                        boxes,
                        (0.45, 1.25) if is_car else (0.7, 2.2),
                        fill=rng.randint(60, 160),
                    )
                image = as_seen(rng, image, rng.choice((0.0, 0.5, 1.0)) if k else 0.0)
                stem = f"real-{recording.name.split('.')[0]}-{labelled.index:03}-{seed}-{k:02}"
                write(folder, stem, image, boxes, rng.randint(60, 96))


def _recordings(data: Path) -> list[Recording]:
    return recordings(data) if (data / CAR_FILE).exists() else []


@dataclass(frozen=True, slots=True)
class Amounts:
    """How much to make: crossroads of 30 frames, scattered scenes, variations of real frames."""

    scenes: int = 160
    scattered: int = 2500
    copies: int = 4


def generate(folder: Path, data: Path, amounts: Amounts, workers: int = 2) -> None:
    """The training set under folder: images/ and labels/; the same arguments give the same set."""
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(workers, initializer=_alone) as pool:
        jobs = [pool.submit(write_recordings, folder, 1, amounts.copies, data)]
        jobs += [
            pool.submit(write_scattered, folder, 500_000 + k, 250, data)
            for k in range(amounts.scattered // 250)
        ]
        jobs += [
            pool.submit(write_scene, folder, 1000 + k, k % 2 == 0, True)
            for k in range(amounts.scenes)
        ]
        for job in jobs:
            job.result()


def generate_evaluation(folder: Path, scenes: int = 40, workers: int = 2) -> None:
    """Ten frames of each of some crossroads that training never saw, as cameras would show them."""
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(workers, initializer=_alone) as pool:
        jobs = [
            pool.submit(write_scene, folder, EVALUATION_SEED + k, True, False)
            for k in range(scenes)
        ]
        for job in jobs:
            job.result()


def generate_held_out(folder: Path, scenes: int = 8, workers: int = 2) -> None:
    """Ten frames of each of some crossroads for every condition, a folder each."""
    with ProcessPoolExecutor(workers, initializer=_alone) as pool:
        jobs = []
        for number, condition in enumerate(CONDITIONS):
            for part in ("images", "labels"):
                (folder / condition / part).mkdir(parents=True, exist_ok=True)
            first = HELD_OUT_SEED + 1000 * number
            jobs += [
                pool.submit(write_held_out, folder / condition, first + k, condition)
                for k in range(scenes)
            ]
        for job in jobs:
            job.result()


def _alone() -> None:
    cv2.setNumThreads(1)
    os.nice(5)
