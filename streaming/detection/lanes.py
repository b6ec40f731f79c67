"""The model at work: threads that take frames in batches from all cameras and pass them on."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from streaming.detection.analysed import AnalysedFrame
from streaming.detection.camera import CapturedFrame
from streaming.detection.detector import Detector
from streaming.detection.fair_queue import FairQueue
from streaming.metrics import Metrics

_LINGER_S = 0.004
"""How long the first frame of a batch waits for others that are due with it."""

_TAKE_S = 0.25
_END_S = 5.0


@dataclass(frozen=True, slots=True)
class Work:
    """What the lanes share: frames in by `inbox` (which holds cameras), out by `pass_on`."""

    inbox: FairQueue[CapturedFrame]
    detector: Detector
    pass_on: Callable[[AnalysedFrame], None]
    metrics: Metrics
    most: int


class Lanes:
    """As many threads as the model has lanes. What fails in one is raised by `check`.

    A batch is of the frames that wait, `most` at the utmost, shared with the lanes that wait for
    some: small while the model keeps up, so that no frame waits for a full batch, and full when
    it does not.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._threads = [
            threading.Thread(target=self._run, name=f"model {n}", daemon=True)
            for n in range(1, work.detector.lanes + 1)
        ]

    def start(self) -> None:
        """Begin; returns at once."""
        for thread in self._threads:
            thread.start()

    def check(self) -> None:
        """Raise what ended a lane, if anything did."""
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Finish the batches under way."""
        self._stop.set()
        for thread in self._threads:
            thread.join(_END_S)

    def _run(self) -> None:
        try:
            while not self._stop.is_set() and self._failure is None:
                analyse(self._work)
        except BaseException as exc:  # noqa: BLE001 - raised again in the main thread
            self._failure = exc


def analyse(work: Work) -> None:
    """One batch, if any frame comes, through the model and on."""
    frames = work.inbox.take(work.most, timeout_s=_TAKE_S, linger_s=_LINGER_S)
    if not frames:
        return
    try:
        began_s = time.perf_counter()
        found = work.detector.detect([frame.image for frame in frames])
        each_s = (time.perf_counter() - began_s) / len(frames)
        for frame, detections in zip(frames, found, strict=True):
            work.metrics.inference_s.observe(each_s)
            _count(work.metrics, frame.camera_id, [d.class_name for d in detections])
            name = work.detector.name
            work.pass_on(AnalysedFrame(frame, detections, inference_ms=each_s * 1000, model=name))
    finally:
        work.inbox.done(frames)


def _count(metrics: Metrics, camera_id: str, class_names: Sequence[str]) -> None:
    for name in set(class_names):
        counted = metrics.detections.labels(camera_id=camera_id, class_name=name)
        counted.inc(class_names.count(name))
