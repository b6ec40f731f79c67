"""What an address names, and how it may be shown. Pure."""

import re
from pathlib import PurePath
from typing import Literal
from urllib.parse import unquote, urlsplit

from streaming.logs import MASK, mask_url

Kind = Literal["synthetic", "stream", "webcam", "path"]

_STREAMS = frozenset(
    {"rtsp", "rtsps", "http", "https", "rtmp", "rtmps", "rtp", "udp", "srt", "tcp"}
)
_SECRET_PARAMETER = re.compile(
    r"([?&;][^=&;#\s]*(?:pass|pwd|token|secret|auth|key)[^=&;#\s]*=)[^&;#\s]+", re.IGNORECASE
)
_ONCE = "#once"
_WEBCAM = re.compile(r"(?:webcam:(?://)?|/dev/video)?(\d+)")


def kind_of(source: str) -> Kind | None:
    """How to open a source, or None for a scheme that nothing here opens."""
    scheme = _scheme(source)
    if scheme == "synthetic":
        return "synthetic"
    if scheme in _STREAMS:
        return "stream"
    if webcam_number(source) is not None:
        return "webcam"
    return "path" if scheme in ("", "file") else None


def webcam_number(source: str) -> int | None:
    """2 for "2", "webcam:2" and "/dev/video2"."""
    match = _WEBCAM.fullmatch(source.strip())
    return int(match.group(1)) if match else None


def plays_once(source: str) -> bool:
    """Whether a file or folder ends at its end: `junction.mp4#once`."""
    return source.endswith(_ONCE)


def local_path(source: str) -> str:
    """The path of a plain path or a file:// address."""
    source = source.removesuffix(_ONCE)
    return unquote(urlsplit(source).path) if _scheme(source) == "file" else source


def masked(source: str) -> str:
    """The address without its user, password and secret parameters."""
    return _SECRET_PARAMETER.sub(rf"\g<1>{MASK}", mask_url(source))


def short_name(source: str) -> str:
    """What a source may be called in a message: an address masked, a path by its last part."""
    if kind_of(source) == "path":
        return PurePath(local_path(source)).name or source
    return masked(source)


def _scheme(source: str) -> str:
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]+)://", source.strip())
    return match.group(1).lower() if match else ""
