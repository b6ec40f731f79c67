"""Video files and image folders, played as if they were cameras."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import cv2

from streaming.detection.sources.base import Captured, Image
from streaming.detection.sources.captures import open_file
from streaming.errors import CameraEnded, CameraError

_SEEK_FROM_FRAMES = 60
"""Skipping a frame by decoding it cost 0.7 ms, seeking 25 to 50 ms (768x432, H.264)."""

_DEFAULT_FPS = 25.0
_PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})


class VideoFile:
    """A video in real time at its own frame rate; at its end from the beginning again, or over."""

    def __init__(
        self,
        capture: cv2.VideoCapture,
        name: str,
        reopen: Callable[[], cv2.VideoCapture],
        clock: Callable[[], float] = time.monotonic,
        *,
        once: bool = False,
    ) -> None:
        self._once = once
        self._capture = capture
        self._name = name
        self._reopen = reopen
        self._clock = clock
        fps = capture.get(cv2.CAP_PROP_FPS)
        self._fps = fps if 0.1 <= fps <= 1000 else _DEFAULT_FPS
        count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self._length = count if count > 0 else None
        self._position = -1
        self._started_s: float | None = None

    @classmethod
    def open(cls, address: str, name: str, *, once: bool) -> "VideoFile":
        """Raises CameraError for what is no video."""
        return cls(open_file(address), name, lambda: open_file(address), once=once)

    def read(self) -> Captured:
        now_s = self._clock()
        if self._started_s is None:
            self._started_s = now_s
        elapsed = int((now_s - self._started_s) * self._fps)
        self._go_to(elapsed)
        ok, image = self._capture.retrieve()
        if not ok or image is None:
            raise CameraError(f"{self._name}: frame {self._position} does not decode")
        return Captured(cast("Image", image), datetime.now(UTC))

    def close(self) -> None:
        self._capture.release()

    def _go_to(self, elapsed: int) -> None:
        """Decode up to the frame that is due `elapsed` frames after the start."""
        ends_met = 0
        while True:
            if self._once and self._length and elapsed >= self._length:
                raise CameraEnded(f"{self._name} was played once, as asked")
            due = elapsed % self._length if self._length else elapsed
            if due < self._position:
                self._rewind()
            if self._length and due - self._position > _SEEK_FROM_FRAMES:
                self._capture.set(cv2.CAP_PROP_POS_FRAMES, due)
                self._position = due - 1
            if self._decode_to(due):
                return
            ends_met += 1
            if self._position < 0 or ends_met > 2:
                raise CameraError(f"{self._name}: no frame can be read from it")
            self._length = self._position + 1  # what the header said was too long
            self._rewind()

    def _decode_to(self, due: int) -> bool:
        while self._position < due:
            if not self._capture.grab():
                return False
            self._position += 1
        return True

    def _rewind(self) -> None:
        if not self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0):
            self._capture.release()
            self._capture = self._reopen()
        self._position = -1


class FolderSource:
    """The pictures of a folder by name, one a read, over and over or once."""

    def __init__(self, pictures: list[Path], name: str, *, once: bool) -> None:
        self._pictures = pictures
        self._once = once
        self._name = name
        self._next = 0

    @classmethod
    def open(cls, folder: Path, *, once: bool = False) -> "FolderSource":
        """Raises CameraError for a folder without pictures."""
        pictures = sorted(p for p in folder.iterdir() if p.suffix.lower() in _PICTURES)
        if not pictures:
            raise CameraError(f"no picture in {folder}; wanted: {', '.join(sorted(_PICTURES))}")
        return cls(pictures, str(folder), once=once)

    def read(self) -> Captured:
        for _ in self._pictures:
            if self._once and self._next == len(self._pictures):
                raise CameraEnded(f"{self._name} was played once, as asked")
            path = self._pictures[self._next % len(self._pictures)]
            self._next += 1
            image = cv2.imread(str(path), cv2.IMREAD_COLOR)
            if image is not None:
                return Captured(cast("Image", image), datetime.now(UTC))
        raise CameraError(f"{self._name}: none of its pictures can be read")

    def close(self) -> None:
        """Nothing is held between reads."""
