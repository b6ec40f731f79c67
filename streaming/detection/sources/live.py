"""Streams and webcams: a thread keeps up with the camera, a reader gets the newest frame."""

import threading
from datetime import UTC, datetime
from typing import cast

import cv2

from streaming.detection.sources.base import Captured, Image
from streaming.detection.sources.captures import READ_TIMEOUT_MS
from streaming.errors import CameraError

_CLOSE_WAIT_S = 0.5


class LiveSource:
    """An open stream. Every frame is taken off the wire; only those asked for are converted."""

    def __init__(
        self, capture: cv2.VideoCapture, name: str, read_timeout_s: float = READ_TIMEOUT_MS / 1000
    ) -> None:
        self._capture = capture
        self._name = name
        self._read_timeout_s = read_timeout_s
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
            self._changed.wait_for(self._answered, self._read_timeout_s)
            frame, reason = self._frame, self._ended
        if frame is not None:
            return frame
        reason = reason or f"no frame for {self._read_timeout_s:g} s"
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
            while not self._closed and self._capture.grab():
                if self._wanted:
                    self._hand_over()
            self._end("the stream ended")
        except cv2.error as exc:
            self._end(f"the stream broke: {exc.err}")
        finally:
            self._capture.release()

    def _hand_over(self) -> None:
        captured_at = datetime.now(UTC)
        ok, image = self._capture.retrieve()
        if not ok or image is None:
            return
        with self._changed:
            self._frame, self._wanted = Captured(cast("Image", image), captured_at), False
            self._changed.notify_all()

    def _end(self, reason: str) -> None:
        with self._changed:
            self._ended = reason
            self._changed.notify_all()
