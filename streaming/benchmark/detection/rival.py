"""ultralytics' own way through many streams: decoding, batches and boxes, and nothing after that.

python -m streaming.benchmark.detection.rival FILE [STREAMS]

The shipped model on OpenVINO as in the worker; no interval, no dropping, no pictures, no messages.
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2

from streaming.detection.model_files import locate, ultralytics_yolo
from streaming.settings import load

_STREAMS = 22
_WARM_UP_FRAMES = 200
_MEASURED_S = 15.0


def frames_per_s(file: Path, streams: int) -> tuple[float, float]:
    """Frames a second through all streams, and ms of CPU a frame."""
    with tempfile.TemporaryDirectory() as folder:
        names = Path(folder) / "cameras.streams"
        names.write_text("\n".join([str(file.absolute())] * streams))
        found = _results(names)
        for _ in range(_WARM_UP_FRAMES):
            next(found)
    began_s, cpu_s, frames = time.perf_counter(), time.process_time(), 0
    for _ in found:
        frames += 1
        if time.perf_counter() - began_s >= _MEASURED_S:
            break
    took_s = time.perf_counter() - began_s
    return frames / took_s, (time.process_time() - cpu_s) / frames * 1000


def _results(names: Path) -> Any:
    settings = load()
    detection = settings.detection
    yolo = ultralytics_yolo(settings.state_dir)
    cv2.setNumThreads(1)  # as in the worker
    size = detection.image_size_px
    model = locate(detection.model, "openvino", size=size, state_dir=settings.state_dir)
    return yolo(str(model.path), task="detect").predict(
        str(names),
        stream=True,
        stream_buffer=True,  # every frame is analysed: none of the decoding is in vain
        imgsz=size,
        conf=detection.confidence,
        verbose=False,
    )


if __name__ == "__main__":
    count = int(sys.argv[2]) if len(sys.argv) > 2 else _STREAMS
    per_s, cpu_ms = frames_per_s(Path(sys.argv[1]), count)
    sys.stdout.write(f"{per_s:.1f} frames/s, {cpu_ms:.2f} ms of CPU a frame\n")
