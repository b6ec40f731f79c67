"""How long the detection model takes for a frame: whole path, from BGR frame to road users."""

import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from streaming.benchmark.report import Report
from streaming.detection import detector
from streaming.detection.letterbox import Image
from streaming.settings import DetectionSettings
from streaming.simulator.junction import Junction, JunctionSpec

SOURCE = "synthetic://junction?seed=1&vehicles=8&pedestrians=4"
ROUNDS = 3


def measure(
    settings: DetectionSettings, *, frames: int = 200, batches: Sequence[int] = (1, 8)
) -> Report:
    """ms a frame for each runtime and batch size: the best median of three rounds."""
    pictures = _pictures(frames)
    results = []
    for runtime in ("openvino", "onnx", "torch"):
        chosen = settings.model_copy(update={"runtime": runtime, "batch_size": max(batches)})
        with tempfile.TemporaryDirectory() as state:
            begun = time.perf_counter()
            model = detector.load(chosen, Path(state))
            load_s = time.perf_counter() - begun
            results += [
                {
                    "runtime": runtime,
                    "batch": batch,
                    "ms_per_frame": round(_ms_per_frame(model, pictures, batch), 2),
                    "load_s": round(load_s, 2),
                }
                for batch in batches
            ]
    about = {
        "model": settings.model,
        "image_size_px": settings.image_size_px,
        "frames": frames,
        "source": SOURCE,
    }
    return Report("detector", about, results)


def _pictures(count: int) -> list[Image]:
    junction = Junction(JunctionSpec.parse(SOURCE))
    pictures = []
    for number in range(count):
        junction.advance(number * 0.5)
        pictures.append(junction.render().copy())
    return pictures


def _ms_per_frame(model: detector.Detector, pictures: Sequence[Image], batch: int) -> float:
    return min(_median_ms(model, pictures, batch) for _ in range(ROUNDS))


def _median_ms(model: detector.Detector, pictures: Sequence[Image], batch: int) -> float:
    taken_ms = []
    for start in range(0, len(pictures) - batch + 1, batch):
        begun = time.perf_counter()
        model.detect(pictures[start : start + batch])
        taken_ms.append((time.perf_counter() - begun) * 1000 / batch)
    return statistics.median(taken_ms)
