"""A camera's thread, with a source played by hand."""

import threading
from datetime import UTC, datetime

import numpy as np

from streaming.detection.camera import CameraHooks
from streaming.detection.camera_state import Backoff
from streaming.detection.fleet import Fleet
from streaming.detection.roster import CameraSpec
from streaming.detection.sources import Captured
from streaming.errors import CameraError
from tests.waiting import eventually

QUICK = Backoff(0.01, 0.02)


class Played:
    """Gives three frames, then breaks off."""

    def __init__(self, frames=3):
        self.left = frames
        self.closed = threading.Event()

    def read(self):
        if self.left == 0:
            raise CameraError("rtsp://me:s3cret@cam: the stream ended")
        self.left -= 1
        return Captured(np.zeros((2, 2, 3), np.uint8), datetime.now(UTC))

    def close(self):
        self.closed.set()


class Watcher:
    def __init__(self, opening):
        self.frames, self.states, self.opened = [], [], []
        self.wanted = threading.Event()
        self.wanted.set()
        self._opening = opening
        self.hooks = CameraHooks(
            frame=self.frames.append,
            changed=lambda spec, state: self.states.append((spec.id, state)),
            wanted=self.wanted,
            open=self._open,
        )

    def _open(self, camera_id, source):
        self.opened.append(source)
        return self._opening(camera_id, source)

    def statuses(self, camera_id):
        return [state.status for i, state in list(self.states) if i == camera_id]


def spec(camera_id, source="a", interval_s=0.01):
    return CameraSpec(camera_id, f"Camera {camera_id}", source, interval_s)


def test_a_stream_that_ends_is_closed_and_opened_again():
    made = []

    def opening(_camera_id, _source):
        made.append(Played())
        return made[-1]

    watcher = Watcher(opening)
    fleet = Fleet(watcher.hooks, QUICK)
    fleet.follow({"1": spec("1")})
    eventually(lambda: len(watcher.frames) >= 7)
    fleet.stop(5)
    assert [f.sequence for f in watcher.frames][:7] == [1, 2, 3, 4, 5, 6, 7]
    assert watcher.statuses("1")[:4] == ["opening", "online", "offline", "online"]
    assert all(source.closed.is_set() for source in made)
    assert not any("s3cret" in (state.error or "") for _, state in watcher.states)


def test_a_camera_that_fails_in_whatever_way_hurts_no_other():
    def opening(camera_id, _source):
        if camera_id == "bad":
            raise ZeroDivisionError("a bug")
        return Played(frames=10**6)

    watcher = Watcher(opening)
    fleet = Fleet(watcher.hooks, QUICK)
    fleet.follow({"bad": spec("bad"), "good": spec("good")})
    eventually(lambda: len(watcher.frames) >= 5 and watcher.statuses("bad").count("offline") >= 2)
    fleet.stop(5)
    assert {f.camera_id for f in watcher.frames} == {"good"}


def test_the_fleet_follows_the_roster():
    watcher = Watcher(lambda _id, _source: Played(frames=10**6))
    fleet = Fleet(watcher.hooks, QUICK)
    assert fleet.follow({"1": spec("1"), "2": spec("2")}) == []
    eventually(lambda: {f.camera_id for f in watcher.frames} == {"1", "2"})
    assert fleet.follow({"1": spec("1", source="b"), "3": spec("3")}) == ["2"]
    eventually(lambda: "b" in watcher.opened)
    eventually(lambda: "3" in {f.camera_id for f in watcher.frames})
    assert fleet.follow({"1": spec("1", source="b"), "3": spec("3")}) == []
    fleet.stop(5)
    count = len(watcher.frames)
    assert sorted(watcher.opened) == ["a", "a", "a", "b"]
    assert len(watcher.frames) == count


def test_cameras_open_before_frames_are_wanted():
    watcher = Watcher(lambda _id, _source: Played())
    watcher.wanted.clear()
    fleet = Fleet(watcher.hooks, QUICK)
    fleet.follow({"1": spec("1")})
    eventually(lambda: watcher.opened)
    assert watcher.frames == []
    watcher.wanted.set()
    eventually(lambda: watcher.frames)
    fleet.stop(5)


def test_stopping_does_not_wait_for_a_camera_that_hangs():
    hang = threading.Event()

    def opening(_camera_id, _source):
        hang.wait(30)
        raise CameraError("too late")

    watcher = Watcher(opening)
    fleet = Fleet(watcher.hooks, QUICK)
    fleet.follow({"1": spec("1")})
    eventually(lambda: watcher.opened)
    fleet.stop(0.05)
    hang.set()
    assert watcher.frames == []
