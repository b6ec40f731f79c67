"""OpenCV's captures of files and webcams, opened with bounded waits."""

import os

from streaming.detection.sources.address import masked
from streaming.errors import CameraError

# Read by OpenCV when a capture opens. Its lock around FFmpeg's opening would let one camera
# that does not answer hold up all others; FFmpeg's own messages would show passwords.
os.environ.setdefault("OPENCV_FFMPEG_IS_THREAD_SAFE", "1")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp")

import cv2

OPEN_TIMEOUT_MS = 8_000
READ_TIMEOUT_MS = 8_000


# At "warning" OpenCV tells of each failed opening, and once a capture of its lock's absence.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)


def open_file(address: str) -> cv2.VideoCapture:
    """A capture of a video by FFmpeg: a path, or an address that has one.

    Raises:
        CameraError: it does not answer in 8 s, or gives nothing that FFmpeg reads.
    """
    limits = [
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
        OPEN_TIMEOUT_MS,
        cv2.CAP_PROP_READ_TIMEOUT_MSEC,
        READ_TIMEOUT_MS,
        cv2.CAP_PROP_N_THREADS,
        1,
    ]
    capture = _opened(address, cv2.CAP_FFMPEG, limits)
    if capture is None:
        raise CameraError(f"{masked(address)} does not open: it is no video that FFmpeg reads")
    return capture


def open_webcam(number: int) -> cv2.VideoCapture:
    """A capture of a local camera that keeps one frame only.

    Raises:
        CameraError: there is none of this number, or another program holds it.
    """
    capture = _opened(number, cv2.CAP_ANY, [cv2.CAP_PROP_BUFFERSIZE, 1])
    if capture is None:
        capture = _opened(number, cv2.CAP_ANY, [])
    if capture is None:
        raise CameraError(f"webcam {number} does not open: is it there, and free?")
    return capture


def _opened(address: str | int, backend: int, settings: list[int]) -> cv2.VideoCapture | None:
    try:
        capture = cv2.VideoCapture(address, backend, settings)
    except cv2.error:
        return None
    if capture.isOpened():
        return capture
    capture.release()
    return None
