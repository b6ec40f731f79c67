"""Every kind of source opens and reads the same way, and says clearly when it cannot."""

import contextlib
import http.server
import socket
import threading
import time
from functools import partial
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from streaming.benchmark.detection.trouble import troubled
from streaming.detection.sources import Sampling, files, open_source
from streaming.detection.sources.captures import open_file
from streaming.detection.sources.files import VideoFile
from streaming.detection.sources.live import LiveSource
from streaming.detection.sources.streams import StreamCapture
from streaming.errors import CameraEnded, CameraError

FRAMES, FPS = 20, 10.0


def numbered(number):
    """A frame whose brightness is its number, twelve apart."""
    return np.full((48, 64, 3), 12 * number, np.uint8)


def number_of(image):
    return round(float(image.mean()) / 12)


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "numbers.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (64, 48))
    for number in range(FRAMES):
        writer.write(numbered(number))
    writer.release()
    return path


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


def played(video, clock, **options):
    return VideoFile(open_file(str(video)), "v", lambda: open_file(str(video)), clock, **options)


def test_a_file_gives_the_frame_due_now_and_starts_again_at_its_end(video):
    clock = Clock()
    source = played(video, clock)
    seen = []
    for at_s in (0.0, 0.04, 0.11, 0.5, 1.95, 2.05, 2.75, 4.15):
        clock.now_s = 100.0 + at_s
        seen.append(number_of(source.read().image))
    source.close()
    assert seen == [0, 0, 1, 5, 19, 0, 7, 1]


def test_a_file_that_is_played_once_ends(video):
    clock = Clock()
    source = played(video, clock, once=True)
    assert number_of(source.read().image) == 0
    clock.now_s += 1.95
    assert number_of(source.read().image) == 19
    clock.now_s += 0.1
    with pytest.raises(CameraEnded, match="played once"):
        source.read()


def test_a_name_may_hold_a_colon(video, monkeypatch):
    by_time = video.rename(video.with_name("2024-05-01T16:01:04.mp4"))
    monkeypatch.chdir(video.parent)
    for address in (by_time.name, str(by_time), f"./{by_time.name}"):
        source = open_source("1", address)
        assert number_of(source.read().image) == 0
        source.close()


def test_once_is_said_after_the_path(tmp_path):
    for number in (1, 2):
        cv2.imwrite(str(tmp_path / f"{number}.png"), numbered(number))
    source = open_source("1", f"{tmp_path}#once")
    assert [number_of(source.read().image) for _ in range(2)] == [1, 2]
    with pytest.raises(CameraEnded):
        source.read()


def test_a_long_pause_seeks(video, monkeypatch):
    monkeypatch.setattr(files, "_SEEK_FROM_FRAMES", 3)
    clock = Clock()
    source = played(video, clock)
    source.read()
    clock.now_s += 1.2
    assert number_of(source.read().image) == 12
    source.close()


def test_a_gif_plays(tmp_path):
    from PIL import Image

    frames = [Image.fromarray(numbered(n)) for n in (1, 5, 9)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=50, loop=0)
    source = open_source("1", str(tmp_path / "a.gif"))
    assert source.read().image.shape == (48, 64, 3)
    source.close()


def test_a_folder_gives_its_pictures_by_name_over_and_over(tmp_path):
    for number in (2, 1, 3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), numbered(number))
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "0.jpg").write_bytes(b"broken")
    source = open_source("1", str(tmp_path))
    assert [number_of(source.read().image) for _ in range(4)] == [1, 2, 3, 1]


def test_a_junction_moves_in_real_time():
    source = open_source("1", "synthetic://junction?seed=3&width=320&height=180")
    first, second = source.read(), source.read()
    assert first.image.shape == (180, 320, 3)
    assert second.captured_at >= first.captured_at


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("missing.mp4", r"camera 7: no file or folder missing.mp4; correct cameras\[\].source"),
        ("gopher://host/x", "camera 7: cannot open gopher://host/x: use rtsp://"),
        ("synthetic://junction?cars=3", "camera 7: .*unknown parameter 'cars'"),
        ("rtsp://me:s3cret@127.0.0.1:9/x", r"camera 7: rtsp://\*\*\*@127.0.0.1:9/x does not open"),
    ],
)
def test_what_does_not_open_says_why_and_hides_the_password(source, told):
    with pytest.raises(CameraError, match=told) as caught:
        open_source("7", source)
    assert "s3cret" not in str(caught.value)


def test_an_empty_folder_and_a_file_of_garbage_are_told(tmp_path):
    with pytest.raises(CameraError, match="no picture in"):
        open_source("1", str(tmp_path))
    (tmp_path / "garbage.mp4").write_bytes(np.random.default_rng(1).bytes(10_000))
    with pytest.raises(CameraError, match="no video that FFmpeg reads"):
        open_source("1", str(tmp_path / "garbage.mp4"))


class _Mjpeg(http.server.BaseHTTPRequestHandler):
    """Frames 1, 2, 3 … at 50 a second, until 40 were sent."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        for number in range(40):
            data = cv2.imencode(".jpg", numbered(number % 20))[1].tobytes()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
            try:
                self.wfile.write(head.encode() + data + b"\r\n")
            except OSError:
                return
            time.sleep(0.02)

    def log_message(self, *_args):
        pass


@pytest.fixture
def mjpeg():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Mjpeg)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/video"
    server.shutdown()
    server.server_close()


def test_a_stream_gives_its_newest_frame_and_tells_its_end(mjpeg):
    source = open_source("1", mjpeg)
    assert source.read().image.shape == (48, 64, 3)
    with pytest.raises(CameraError, match=r"127\.0\.0\.1.*the stream (ended|broke off)"):
        _read_to_the_end(source)
    source.close()
    source.close()


@pytest.fixture
def hls(tmp_path):
    """The address of a playlist that has ended, and of one that goes on."""
    for name, more in (("ended", {}), ("live", {"hls_flags": "omit_endlist"})):
        options = {"hls_time": "1", "hls_list_size": "0"} | more
        with av.open(str(tmp_path / f"{name}.m3u8"), "w", format="hls", options=options) as out:
            stream = out.add_stream("libx264", rate=10, options={"g": "10"})
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            for number in range(_HLS_FRAMES):
                frame = av.VideoFrame.from_ndarray(numbered(number % FRAMES), format="bgr24")
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
    handler = partial(_Playlists, directory=str(tmp_path))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.told = 2
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


_HLS_FRAMES = 200


class _Playlists(http.server.SimpleHTTPRequestHandler):
    """Files as they are, but live.m3u8 names one segment more each time it is asked for."""

    def do_GET(self):
        if self.path != "/live.m3u8":
            super().do_GET()
            return
        self.server.told += 1
        head, *segments = (Path(self.directory) / "live.m3u8").read_text().split("#EXTINF")
        text = "#EXTINF".join([head, *segments[: self.server.told]]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_args):
        pass


@pytest.mark.parametrize(
    ("name", "kind", "first"), [("ended", VideoFile, 0), ("live", LiveSource, None)]
)
def test_hls_plays_as_a_stream_while_it_goes_on_and_as_a_file_once_it_has_ended(
    hls, name, kind, first
):
    source = open_source("1", f"{hls}/{name}.m3u8")
    image = source.read().image
    source.close()
    assert isinstance(source, kind)
    assert image.shape == (48, 64, 3)
    assert first is None or number_of(image) == first


def test_a_camera_that_sends_noise_or_nothing_says_so(noise):
    with pytest.raises(CameraError, match="does not open"):
        open_source("1", f"{noise}/garbage")


def test_silence_on_a_connection_that_stands_is_a_failure(mjpeg_that_stops):
    source = LiveSource(StreamCapture(mjpeg_that_stops, Sampling(0.1)), "cam", stall_s=0.3)
    with pytest.raises(CameraError, match=r"cam: no frame for 0\.3 s"):
        _read_to_the_end(source)
    source.close()


@pytest.fixture
def noise():
    with troubled(1.0) as cameras:
        yield next(c.source for c in cameras if c.camera_id == "garbage").removesuffix("/garbage")


class _Stopping(_Mjpeg):
    """Five frames, then nothing while the connection stands."""

    def do_GET(self):
        self.close_connection = False
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        data = cv2.imencode(".jpg", numbered(3))[1].tobytes()
        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
        for _ in range(5):
            self.wfile.write(head.encode() + data + b"\r\n")
        self.server.over.wait(20)


@pytest.fixture
def mjpeg_that_stops():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Stopping)
    server.daemon_threads = True
    server.over = threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/video"
    server.over.set()
    server.shutdown()
    server.server_close()


def test_a_black_hole_does_not_hold_up_another_camera(mjpeg):
    with socket.create_server(("127.0.0.1", 0)) as hole:
        address = f"rtsp://127.0.0.1:{hole.getsockname()[1]}/x"
        stuck = threading.Thread(target=_open_quietly, args=(address,), daemon=True)
        stuck.start()
        connection, _ = hole.accept()  # it will wait for an answer that does not come
        began_s = time.monotonic()
        open_source("1", mjpeg).close()
        assert time.monotonic() - began_s < 4.0
        assert stuck.is_alive()
        connection.close()


def _read_to_the_end(source):
    for _ in range(100):
        source.read()


def _open_quietly(address):
    with contextlib.suppress(CameraError):
        open_source("2", address)
