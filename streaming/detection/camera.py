"""One camera's thread: opens it, takes its frames when they are due, opens it again."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from streaming.detection.camera_state import (
    Backoff,
    CameraState,
    ended,
    failed,
    framed,
    started,
)
from streaming.detection.due_times import staggered
from streaming.detection.privacy import painted
from streaming.detection.roster import CameraSpec
from streaming.detection.sources import Captured, Image, Source, masked
from streaming.errors import CameraEnded, CameraError

log = logging.getLogger(__name__)

_LOOK_S = 0.2
_LATE_S = 0.5
"""Over the interval: a camera of ten frames a second asked ten times a second is not late."""


@dataclass(frozen=True, slots=True)
class CapturedFrame:
    """A frame on its way to the model; `sequence` counts a camera's frames from 1.

    `term` is the worker's hold on the camera under which it was taken: see `lease`. Privacy masks
    are painted already. `spec` is how the camera was to run when it was taken, `due_at` when.
    """

    camera_id: str
    sequence: int
    captured_at: datetime
    image: Image
    term: int = 0
    spec: CameraSpec | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CameraHooks:
    """Whom a camera tells: `frame` for each frame, `changed` for each change of its state.

    Cameras are opened at once, but frames are taken only after `wanted` is set.
    """

    frame: Callable[[CapturedFrame], None]
    changed: Callable[[CameraSpec, CameraState], None]
    wanted: threading.Event
    open: Callable[[CameraSpec], Source]


class CameraRunner:
    """Runs one camera until `stop`; whatever happens to it stays in its own thread."""

    def __init__(
        self, spec: CameraSpec, term: int, index: int, hooks: CameraHooks, backoff: Backoff
    ) -> None:
        self.spec = spec
        self.term = term
        self._hooks = hooks
        self._backoff = backoff
        self._due = staggered(index, spec.interval_s, time.monotonic())
        self._random = Random()  # noqa: S311 - jitter, no secret
        self._state = started(datetime.now(UTC))
        self._sequence = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"camera {spec.id}", daemon=True)

    @property
    def opening(self) -> bool:
        """Whether it neither gave a frame nor failed yet."""
        return self._state.status == "opening"

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
            except CameraEnded as exc:
                self._change(ended(self._state, masked(str(exc)), datetime.now(UTC)))
                return
            except CameraError as exc:
                self._failed(str(exc))
            except Exception as exc:  # a camera must not end the others' day
                log.exception("camera failed unexpectedly", extra={"camera_id": self.spec.id})
                self._failed(f"camera {self.spec.id}: {type(exc).__name__}: {exc}")
            if self._state.tries:
                self._stop.wait(self._state.retry_in_s)

    def _watch(self) -> None:
        source = self._hooks.open(self.spec)
        try:
            while due_at := self._due_came():
                asked_s = time.monotonic()
                captured = source.read()
                if self._stop.is_set():
                    return
                late = time.monotonic() - asked_s > self.spec.interval_s + _LATE_S
                self._change(framed(self._state, captured.captured_at, late=late))
                self._hand_over(captured, due_at)
        finally:
            source.close()

    def _hand_over(self, captured: Captured, due_at: datetime) -> None:
        self._sequence += 1
        self._hooks.frame(
            CapturedFrame(
                camera_id=self.spec.id,
                sequence=self._sequence,
                captured_at=captured.captured_at,
                image=painted(captured.image, self.spec.privacy_masks),
                term=self.term,
                spec=self.spec,
                due_at=due_at,
            )
        )

    def _due_came(self) -> datetime | None:
        """Wait for the next due time and return it; None once the camera is to stop."""
        while not self._hooks.wanted.wait(_LOOK_S):
            if self._stop.is_set():
                return None
        now_s = time.monotonic()
        wait_s = self._due.after(now_s) - now_s
        due_at = datetime.now(UTC) + timedelta(seconds=wait_s)
        return None if self._stop.wait(wait_s) else due_at

    def _failed(self, error: str) -> None:
        now = datetime.now(UTC)
        self._change(
            failed(self._state, masked(error), now, backoff=self._backoff, random=self._random)
        )

    def _change(self, state: CameraState) -> None:
        if state == self._state:
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
