"""One camera's thread: opens it, takes its frames when they are due, opens it again."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from streaming.detection.camera_state import Backoff, CameraState, failed, opened, started
from streaming.detection.due_times import staggered
from streaming.detection.roster import CameraSpec
from streaming.detection.sources import Image, Source, masked, open_source
from streaming.errors import CameraError

log = logging.getLogger(__name__)

_LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class CapturedFrame:
    """A frame on its way to the model; `sequence` counts a camera's frames from 1."""

    camera_id: str
    sequence: int
    captured_at: datetime
    image: Image


@dataclass(frozen=True, slots=True)
class CameraHooks:
    """Whom a camera tells: `frame` for each frame, `changed` for each change of its state.

    Cameras are opened at once, but frames are taken only after `wanted` is set.
    """

    frame: Callable[[CapturedFrame], None]
    changed: Callable[[CameraSpec, CameraState], None]
    wanted: threading.Event
    open: Callable[[str, str], Source] = open_source


class CameraRunner:
    """Runs one camera until `stop`; whatever happens to it stays in its own thread."""

    def __init__(self, spec: CameraSpec, index: int, hooks: CameraHooks, backoff: Backoff) -> None:
        self.spec = spec
        self._hooks = hooks
        self._backoff = backoff
        self._due = staggered(index, spec.interval_s, time.monotonic())
        self._random = Random()  # noqa: S311 - jitter, no secret
        self._state = started(datetime.now(UTC))
        self._sequence = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"camera {spec.id}", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._hooks.changed(self.spec, self._state)
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end; returns at once. A stream that hangs in opening ends by its timeout."""
        self._stop.set()

    def join(self, timeout_s: float) -> None:
        """Wait for its end."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._watch()
            except CameraError as exc:
                self._failed(str(exc))
            except Exception as exc:  # a camera must not end the others' day
                log.exception("camera failed unexpectedly", extra={"camera_id": self.spec.id})
                self._failed(f"camera {self.spec.id}: {type(exc).__name__}: {exc}")
            if self._state.status == "offline":
                self._stop.wait(self._state.retry_in_s)

    def _watch(self) -> None:
        source = self._hooks.open(self.spec.id, self.spec.source)
        try:
            while self._due_came():
                captured = source.read()
                if self._stop.is_set():
                    return
                self._change(opened(self._state, captured.captured_at))
                self._sequence += 1
                self._hooks.frame(
                    CapturedFrame(
                        camera_id=self.spec.id,
                        sequence=self._sequence,
                        captured_at=captured.captured_at,
                        image=captured.image,
                    )
                )
        finally:
            source.close()

    def _due_came(self) -> bool:
        """Wait for the next due time; False once the camera is to stop."""
        while not self._hooks.wanted.wait(_LOOK_S):
            if self._stop.is_set():
                return False
        now_s = time.monotonic()
        return not self._stop.wait(self._due.after(now_s) - now_s)

    def _failed(self, error: str) -> None:
        now = datetime.now(UTC)
        self._change(
            failed(self._state, masked(error), now, backoff=self._backoff, random=self._random)
        )

    def _change(self, state: CameraState) -> None:
        if state is self._state:
            return
        before, self._state = self._state, state
        if state.status != before.status:
            level = logging.WARNING if state.status == "offline" else logging.INFO
            log.log(
                level,
                "camera %s",
                state.status,
                extra={"camera_id": self.spec.id, "error": state.error},
            )
        if not self._stop.is_set():
            self._hooks.changed(self.spec, state)
