"""Cameras that misbehave: a black hole, flapping ones, one of garbage, one of 4K."""

import contextlib
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np

from streaming.messages import CameraCommand

FLAPPING = 10
_FLAP_FRAMES = 5
_RATE_S = 0.1
_SIZE_4K = (2160, 3840)


class _Camera(BaseHTTPRequestHandler):
    """`/flapping` breaks off after five frames, `/garbage` is noise, `/4k` goes on."""

    small = b""
    large = b""

    def do_GET(self) -> None:
        """One connection of a camera."""
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        with contextlib.suppress(OSError):
            if self.path == "/garbage":
                self._noise()
            elif self.path == "/4k":
                self._frames(self.large, None)
            else:
                self._frames(self.small, _FLAP_FRAMES)

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""

    def _frames(self, jpeg: bytes, count: int | None) -> None:
        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
        while count is None or count > 0:
            self.wfile.write(head.encode() + jpeg + b"\r\n")
            count = None if count is None else count - 1
            time.sleep(_RATE_S)

    def _noise(self) -> None:
        chance = random.Random(1)  # noqa: S311 - noise
        while True:
            self.wfile.write(chance.randbytes(4096))
            time.sleep(_RATE_S)


@contextmanager
def troubled(interval_s: float) -> Iterator[list[CameraCommand]]:
    """The cameras, served for the length of the block."""
    noise = np.random.default_rng(1).integers(0, 255, (27, 48, 3), np.uint8)
    for name, size in (("small", (360, 640)), ("large", _SIZE_4K)):
        picture = cv2.resize(noise, size[::-1], interpolation=cv2.INTER_CUBIC)
        setattr(_Camera, name, cv2.imencode(".jpg", picture)[1].tobytes())
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Camera)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with socket.create_server(("127.0.0.1", 0), backlog=64) as hole:
        base = f"http://127.0.0.1:{server.server_port}"
        sources = {
            "black-hole": f"rtsp://127.0.0.1:{hole.getsockname()[1]}/stream",
            "garbage": f"{base}/garbage",
            "4k": f"{base}/4k",
        } | {f"flapping-{n}": f"{base}/flapping" for n in range(1, FLAPPING + 1)}
        try:
            yield [
                CameraCommand(camera_id=name, name=name, source=source, interval_s=interval_s)
                for name, source in sources.items()
            ]
        finally:
            server.shutdown()
            server.server_close()
