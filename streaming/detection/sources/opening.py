"""A source's address to an open source."""

from pathlib import Path

from streaming.detection.sources.address import (
    Kind,
    kind_of,
    local_path,
    masked,
    plays_once,
    webcam_number,
)
from streaming.detection.sources.base import Source
from streaming.detection.sources.captures import open_webcam
from streaming.detection.sources.files import FolderSource, VideoFile
from streaming.detection.sources.live import LiveSource
from streaming.detection.sources.sampling import Sampling
from streaming.detection.sources.streams import StreamCapture
from streaming.detection.sources.synthetic import SyntheticSource
from streaming.errors import CameraError

_USUAL = Sampling()


def open_source(camera_id: str, source: str, sampling: Sampling = _USUAL) -> Source:
    """Open a camera; may take as long as the stream's timeouts.

    Raises:
        CameraError: it does not open; the message names the camera and what to do.
    """
    kind = kind_of(source)
    if kind is None:
        raise CameraError(
            f"camera {camera_id}: cannot open {masked(source)}: use rtsp://, http(s)://, "
            "synthetic://junction, a webcam's number, a file or a folder"
        )
    try:
        return _open(kind, source, sampling)
    except CameraError as exc:
        raise CameraError(f"camera {camera_id}: {exc}") from exc


def _open(kind: Kind, source: str, sampling: Sampling) -> Source:
    if kind == "synthetic":
        return SyntheticSource.open(source)
    if kind == "webcam":
        number = webcam_number(source)
        return LiveSource(open_webcam(number or 0), f"webcam {number}", sampling.stall_s)
    if kind == "stream":
        capture = StreamCapture(source, sampling)
        if capture.is_finite:  # a video file on a web server: at its own rate, then again
            capture.release()
            return VideoFile.open(source, masked(source), once=plays_once(source))
        return LiveSource(capture, masked(source), sampling.stall_s)
    path = Path(local_path(source)).expanduser()
    if path.is_dir():
        return FolderSource.open(path, once=plays_once(source))
    if not path.exists():
        raise CameraError(f"no file or folder {path}; correct cameras[].source")
    # Absolute: FFmpeg takes what stands before a name's first colon for a scheme.
    return VideoFile.open(str(path.absolute()), str(path), once=plays_once(source))
