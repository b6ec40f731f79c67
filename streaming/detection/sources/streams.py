"""Streams by FFmpeg (PyAV): RTSP, MJPEG, HLS and what else it reads over a network.

Decoding every frame costs the same by PyAV and by OpenCV (0.69 and 0.73 ms, 768x432, H.264); only
PyAV lets packets be thrown away before they are decoded.
"""

import time
from typing import cast

import av
import cv2
import numpy as np
from av.codec.context import Flags
from av.error import FFmpegError, InvalidDataError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from streaming.detection.sources.address import masked
from streaming.detection.sources.base import Image
from streaming.detection.sources.sampling import KeyFrames, Sampling
from streaming.errors import CameraError

av.logging.set_level(None)  # its messages would show passwords

OPEN_TIMEOUT_S = 8.0
_OPTIONS = {
    "rtsp_transport": "tcp",
    "analyzeduration": "2000000",  # µs that FFmpeg may look at before the first frame
    "probesize": "1000000",
    "max_delay": "500000",
}
_MOST_BROKEN = 250
"""Packets in a row that do not decode: about ten seconds of a stream that is no video."""


class StreamCapture:
    """An open stream: `grab` waits for the next frame, `retrieve` gives its picture.

    `wanted` set to False before a grab says that nobody waits for this frame: it is decoded only
    if later ones need it. Used by one thread.
    """

    def __init__(self, address: str, sampling: Sampling) -> None:
        """Raises CameraError if it does not answer in 8 s, or is nothing that FFmpeg reads."""
        self._name = masked(address)
        self.wanted = True
        began_s = time.monotonic()
        try:
            self._container = av.open(
                address, options=_OPTIONS, timeout=(OPEN_TIMEOUT_S, sampling.stall_s)
            )
        except (FFmpegError, OSError, ValueError) as exc:
            silent = time.monotonic() - began_s >= OPEN_TIMEOUT_S
            reason = f"no answer in {OPEN_TIMEOUT_S:g} s" if silent else _reason(exc)
            raise CameraError(
                f"{self._name} does not open: {reason}; check the address, the user and the "
                "password, and that the camera is on"
            ) from exc
        if not self._container.streams.video:
            self._container.close()
            raise CameraError(f"{self._name} has no video")
        self._stream = self._container.streams.video[0]
        codec = self._stream.codec_context
        codec.thread_count = 1  # a thread for each camera is enough of them
        codec.flags |= Flags.low_delay
        self._packets = self._container.demux(self._stream)
        self._keys = KeyFrames(sampling.interval_s) if sampling.key_frames else None
        self._frame: VideoFrame | None = None

    @property
    def is_finite(self) -> bool:
        """Whether it is a video with an end, and so plays at its own rate only if we pace it."""
        return bool(self._container.duration and self._container.duration > 0)

    def grab(self) -> bool:
        """Wait for the next frame; False at the end of the stream.

        Raises:
            CameraError: it stopped sending, or sends what is no video.
        """
        broken = 0
        try:
            for packet in self._packets:
                if packet.size == 0:
                    return False
                try:
                    if self._take(packet):
                        return True
                except InvalidDataError:
                    broken += 1
                    if broken >= _MOST_BROKEN:
                        raise
        except av.error.EOFError:
            return False
        except InvalidDataError as exc:
            raise CameraError(f"{self._name}: it sends what is no video") from exc
        except (FFmpegError, OSError) as exc:
            raise CameraError(f"{self._name}: the stream broke off: {_reason(exc)}") from exc
        return False

    def retrieve(self) -> tuple[bool, Image | None]:
        """The last grabbed frame as BGR, if it was decoded."""
        frame, self._frame = self._frame, None
        return frame is not None, None if frame is None else _bgr(frame)

    def release(self) -> None:
        """Close the connection."""
        self._frame = None
        self._container.close()

    def _take(self, packet: "Packet[VideoStream]") -> bool:
        """Whether a frame came of it, or would have if anybody had wanted it."""
        if self._keys is None:
            return self._decode(packet)
        if packet.is_keyframe:
            at_s = packet.pts * packet.time_base if packet.pts is not None else time.monotonic()
            self._keys.came(float(at_s))
        if not self._keys.suffice():
            return self._decode(packet)
        if not packet.is_keyframe:
            return False
        if not self.wanted:
            return True
        codec = self._stream.codec_context
        codec.flush_buffers()
        frames = [*codec.decode(packet), *codec.decode(None)]
        codec.flush_buffers()
        self._frame = frames[-1] if frames else None
        return self._frame is not None

    def _decode(self, packet: "Packet[VideoStream]") -> bool:
        frames = packet.decode()
        if frames:
            self._frame = frames[-1]
        return bool(frames)


def _bgr(frame: VideoFrame) -> Image:
    """OpenCV's way from YUV to BGR takes 0.15 ms where swscale takes 0.73 (768x432)."""
    if frame.format.name in {"yuv420p", "yuvj420p"} and not (frame.width % 2 or frame.height % 2):
        planes = np.ascontiguousarray(frame.to_ndarray(format=frame.format.name))
        return cast("Image", cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420))
    return cast("Image", frame.to_ndarray(format="bgr24"))


def _reason(exc: Exception) -> str:
    """What FFmpeg said, without the address that it repeats."""
    if isinstance(exc, av.error.ExitError):
        return "no frame for too long"
    if isinstance(exc, FFmpegError) and exc.strerror:
        return exc.strerror[:1].lower() + exc.strerror[1:]
    return type(exc).__name__
