"""The simulator's junction as a camera."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from streaming.detection.sources.base import Captured
from streaming.errors import CameraError
from streaming.simulator.junction import Junction, JunctionSpec

_MOST_SKIPPED_S = 60.0
_building = threading.Lock()
"""Building a junction is a second of Python: one after another, the first is there sooner."""


class SyntheticSource:
    """A junction in real time: its clock starts with the first frame."""

    def __init__(self, junction: Junction, clock: Callable[[], float] = time.monotonic) -> None:
        self._junction = junction
        self._clock = clock
        self._scene_s = 0.0
        self._read_at_s: float | None = None

    @classmethod
    def open(cls, source: str) -> "SyntheticSource":
        """Raises CameraError for an address that names no junction."""
        try:
            spec = JunctionSpec.parse(source)
        except ValueError as exc:
            raise CameraError(f"{exc}; correct cameras[].source") from exc
        with _building:
            return cls(Junction(spec))

    def read(self) -> Captured:
        now_s = self._clock()
        if self._read_at_s is not None:
            # After a long pause the scene goes on, rather than living through the pause.
            self._scene_s += min(now_s - self._read_at_s, _MOST_SKIPPED_S)
        self._read_at_s = now_s
        self._junction.advance(self._scene_s)
        return Captured(self._junction.render(), datetime.now(UTC))

    def close(self) -> None:
        """Nothing is held."""
