"""The model without anything around it: decoded frames in, boxes out, in full batches."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path

import cv2

from streaming.detection import detector
from streaming.detection.letterbox import Image
from streaming.detection.sources import Sampling, open_source
from streaming.settings import DetectionSettings

BATCH = 8
_FRAMES = 80
_BESIDE_S = 0.08


def frames_of(source: str) -> list[Image]:
    """Some frames of a camera, as the worker's lanes would get them."""
    opened = open_source("bare", source, Sampling(_BESIDE_S))
    try:
        found = []
        for _ in range(_FRAMES):
            found.append(opened.read().image)
            time.sleep(_BESIDE_S / 8)
        return found
    finally:
        opened.close()


def frames_per_s(
    settings: DetectionSettings, state_dir: Path, frames: Sequence[Image], *, duration_s: float
) -> float:
    """The rate with all lanes busy, in batches of 8 whatever `detection.batch_size` is."""
    cv2.setNumThreads(1)  # as in the worker
    model = detector.load(settings.model_copy(update={"batch_size": BATCH}), state_dir)
    batches = [frames[i : i + BATCH] for i in range(0, len(frames) - BATCH + 1, BATCH)]
    counts = [0] * model.lanes
    until_s = time.monotonic() + duration_s

    def work(lane: int) -> None:
        number = lane
        while time.monotonic() < until_s:
            model.detect(batches[number % len(batches)])
            counts[lane] += BATCH
            number += 1

    threads = [threading.Thread(target=work, args=(lane,)) for lane in range(model.lanes)]
    began_s = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.monotonic() - began_s)
