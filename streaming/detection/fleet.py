"""The cameras that run now, kept in step with the roster."""

import time
from collections.abc import Mapping

from streaming.detection.camera import CameraHooks, CameraRunner
from streaming.detection.camera_state import Backoff
from streaming.detection.roster import CameraSpec


class Fleet:
    """Starts, restarts and stops cameras. Used by one thread."""

    def __init__(self, hooks: CameraHooks, backoff: Backoff) -> None:
        self._hooks = hooks
        self._backoff = backoff
        self._running: dict[str, CameraRunner] = {}
        self._started = 0

    def follow(self, wanted: Mapping[str, tuple[CameraSpec, int]]) -> list[str]:
        """Make the running cameras these, each with its term; return the ids that were stopped."""
        gone = [i for i, r in self._running.items() if wanted.get(i) != (r.spec, r.term)]
        for camera_id in gone:
            self._running.pop(camera_id).stop()
        for camera_id, (spec, term) in wanted.items():
            if camera_id not in self._running:
                runner = CameraRunner(spec, term, self._started, self._hooks, self._backoff)
                self._started += 1
                self._running[camera_id] = runner
                runner.start()
        return [camera_id for camera_id in gone if camera_id not in wanted]

    def opening(self) -> list[str]:
        """Ids of those that neither gave a frame nor failed yet. For any thread."""
        return [i for i, runner in list(self._running.items()) if runner.opening]

    def stop(self, within_s: float) -> None:
        """Stop all, and wait for those that end in time."""
        until_s = time.monotonic() + within_s
        for runner in self._running.values():
            runner.stop()
        for runner in self._running.values():
            runner.join(max(0.0, until_s - time.monotonic()))
        self._running.clear()
