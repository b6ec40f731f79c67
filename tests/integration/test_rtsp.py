"""A camera on a real RTSP server (GStreamer's), that goes away and comes back."""

import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from streaming.detection.camera import CameraHooks
from streaming.detection.camera_state import Backoff
from streaming.detection.fleet import Fleet
from streaming.detection.roster import CameraSpec
from streaming.detection.sources import Sampling, open_source
from streaming.detection.sources.streams import StreamCapture
from streaming.embedded import ports
from streaming.settings import DetectionSettings
from tests.needs import SYSTEM_PYTHON
from tests.waiting import eventually

pytestmark = pytest.mark.needs("gstreamer")

SCRIPT = Path(__file__).parents[1] / "rtsp_server.py"
BACK_S = 30


@contextmanager
def camera_on(port):
    """The server, for the length of the block."""
    words = [SYSTEM_PYTHON, str(SCRIPT), str(port)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "listening\n"
        yield f"rtsp://127.0.0.1:{port}/stream"
    finally:
        process.kill()
        process.wait()


def test_a_stream_gives_frames_over_tcp():
    with camera_on(ports.any_free()) as address:
        source = open_source("1", address, Sampling(interval_s=0.1))
        first, second = source.read(), source.read()
        source.close()
    assert first.image.shape == (180, 320, 3)
    assert second.captured_at > first.captured_at
    assert first.image.max() > 200  # the ball


def test_for_a_long_interval_only_key_frames_are_decoded():
    with camera_on(ports.any_free()) as address:
        capture = StreamCapture(address, Sampling(interval_s=1.8))
        decoded = []
        eventually(lambda: capture.grab() and capture._keys.suffice())
        for _ in range(3):
            assert capture.grab()
            ok, image = capture.retrieve()
            decoded.append((ok, image.shape, time.monotonic()))
        capture.wanted = False
        assert capture.grab()
        assert capture.retrieve() == (False, None)
        capture.wanted = True
        assert capture.grab()
        assert capture.retrieve()[0]
        capture.release()
    assert [d[:2] for d in decoded] == [(True, (180, 320, 3))] * 3
    assert decoded[2][2] - decoded[1][2] > 0.5  # a second apart, not a 25th of one


def test_a_camera_is_back_soon_after_its_server_is():
    frames, states = [], []
    wanted = threading.Event()
    wanted.set()
    hooks = CameraHooks(
        frame=frames.append,
        changed=lambda _spec, state: states.append(state.status),
        wanted=wanted,
        open=lambda spec: open_source(spec.id, spec.source, Sampling(spec.interval_s)),
    )
    usual = DetectionSettings()
    port = ports.any_free()
    fleet = Fleet(hooks, Backoff(usual.reconnect_min_s, usual.reconnect_max_s))
    address = f"rtsp://127.0.0.1:{port}/stream"
    with camera_on(port):
        fleet.follow({"1": (CameraSpec("1", "North", address, 0.2), 1)})
        eventually(lambda: len(frames) >= 3)
    eventually(lambda: states[-1] == "offline")
    for _ in range(2):  # its waits have grown by now
        failures = len(states)
        eventually(lambda n=failures: len(states) > n)
    seen = len(frames)
    with camera_on(port):
        eventually(lambda: len(frames) > seen, BACK_S)
        eventually(lambda: states[-1] == "online", BACK_S)
        fleet.stop(5)
