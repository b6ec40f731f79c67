"""Streams and webcams: a thread keeps up with the camera, a reader gets the newest frame."""

import threading
from datetime import UTC, datetime
from typing import Any, Protocol

import cv2

from streaming.detection.sources.base import Captured
from streaming.errors import CameraError

_CLOSE_WAIT_S = 0.5


class Capture(Protocol):
    """What OpenCV's captures and ours have in common. Used by one thread."""

    def grab(self) -> bool:
        """Wait for the next frame; False at the end. Raises CameraError or cv2.error."""

    def retrieve(self) -> tuple[bool, Any]:
        """Whether the frame decoded, and its picture."""

    def release(self) -> None:
        """Let go of the camera."""


class LiveSource:
    """An open stream. Every frame is taken off the wire; only those asked for are converted.

    `stall_s` without a frame is a failure, also while the connection stands.
    """

    def __init__(self, capture: Capture, name: str, stall_s: float) -> None:
        self._capture = capture
        self._name = name
        self._stall_s = stall_s
        self._changed = threading.Condition()
        self._wanted = False
        self._frame: Captured | None = None
        self._ended: str | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._keep_up, name=f"live {name}", daemon=True)
        self._thread.start()

    def read(self) -> Captured:
        with self._changed:
            self._ask()
            self._changed.wait_for(self._answered, self._stall_s)
            frame, reason = self._frame, self._ended
        if frame is not None:
            return frame
        reason = reason or f"no frame for {self._stall_s:g} s"
        raise CameraError(f"{self._name}: {reason}; is the camera on, and the network up?")

    def close(self) -> None:
        self._closed = True
        self._thread.join(_CLOSE_WAIT_S)  # a grab that hangs ends by its own timeout

    def _ask(self) -> None:
        self._frame, self._wanted = None, True

    def _answered(self) -> bool:
        return self._frame is not None or self._ended is not None

    def _keep_up(self) -> None:
        try:
            while not self._closed and self._grab():
                if self._wanted:
                    self._hand_over()
            self._end("the stream ended")
        except cv2.error as exc:
            self._end(f"the stream broke: {exc.err}")
        except CameraError as exc:
            self._end(str(exc).removeprefix(f"{self._name}: "))
        finally:
            self._capture.release()

    def _grab(self) -> bool:
        if hasattr(self._capture, "wanted"):
            self._capture.wanted = self._wanted
        return self._capture.grab()

    def _hand_over(self) -> None:
        captured_at = datetime.now(UTC)
        ok, image = self._capture.retrieve()
        if not ok or image is None:
            return
        with self._changed:
            self._frame, self._wanted = Captured(image, captured_at), False
            self._changed.notify_all()

    def _end(self, reason: str) -> None:
        with self._changed:
            self._ended = reason
            self._changed.notify_all()
