"""A camera's thread, with a source played by hand."""

import threading
from datetime import UTC, datetime

import numpy as np

from streaming.detection.camera import CameraHooks
from streaming.detection.camera_state import Backoff
from streaming.detection.fleet import Fleet
from streaming.detection.roster import CameraSpec
from streaming.detection.sources import Captured
from streaming.errors import CameraEnded, CameraError
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

    def _open(self, spec):
        self.opened.append(spec.source)
        return self._opening(spec.id, spec.source)

    def statuses(self, camera_id):
        return [state.status for i, state in list(self.states) if i == camera_id]


def spec(camera_id, source="a", interval_s=0.01, **fields):
    return CameraSpec(camera_id, f"Camera {camera_id}", source, interval_s, **fields)


def held(*specs, term=1):
    """What the fleet is told to run."""
    return {spec.id: (spec, term) for spec in specs}


def test_a_stream_that_ends_is_closed_and_opened_again():
    made = []

    def opening(_camera_id, _source):
        made.append(Played())
        return made[-1]

    watcher = Watcher(opening)
    fleet = Fleet(watcher.hooks, QUICK)
    fleet.follow(held(spec("1")))
    eventually(lambda: len(watcher.frames) >= 7)
    fleet.stop(5)
    assert [f.sequence for f in watcher.frames][:7] == [1, 2, 3, 4, 5, 6, 7]
    statuses = watcher.statuses("1")
    assert statuses[:2] == ["opening", "online"]
    assert set(statuses) == {"opening", "online", "degraded"}  # each opening gives frames
    assert all(source.closed.is_set() for source in made)
    assert not any("s3cret" in (state.error or "") for _, state in watcher.states)


class Late(Played):
    """Takes three intervals for its second frame."""

    def read(self):
        captured = super().read()
        if self.left == 8:
            threading.Event().wait(0.15)
            return Captured(captured.image, datetime.now(UTC))
        return captured


def test_a_frame_says_when_it_was_due_however_late_it_came():
    watcher = Watcher(lambda _id, _source: Late(frames=10))
    fleet = Fleet(watcher.hooks, QUICK)
    fleet.follow(held(spec("1", interval_s=0.05)))
    eventually(lambda: len(watcher.frames) >= 4)
    fleet.stop(5)
    frames = watcher.frames[:4]
    assert all(f.due_at <= f.captured_at for f in frames)
    assert (frames[1].captured_at - frames[1].due_at).total_seconds() >= 0.14
    # The moments that passed meanwhile are left out.
    assert (frames[2].due_at - frames[1].due_at).total_seconds() >= 0.14


def test_a_camera_that_fails_in_whatever_way_hurts_no_other():
    def opening(camera_id, _source):
        if camera_id == "bad":
            raise ZeroDivisionError("a bug")
        return Played(frames=10**6)

    watcher = Watcher(opening)
    fleet = Fleet(watcher.hooks, QUICK)
    fleet.follow(held(spec("bad"), spec("good")))
    eventually(lambda: len(watcher.frames) >= 5 and watcher.statuses("bad").count("offline") >= 2)
    fleet.stop(5)
    assert {f.camera_id for f in watcher.frames} == {"good"}


def test_the_fleet_follows_the_roster():
    watcher = Watcher(lambda _id, _source: Played(frames=10**6))
    fleet = Fleet(watcher.hooks, QUICK)
    assert fleet.follow(held(spec("1"), spec("2"))) == []
    eventually(lambda: {f.camera_id for f in watcher.frames} == {"1", "2"})
    assert fleet.follow(held(spec("1", source="b"), spec("3"))) == ["2"]
    eventually(lambda: "b" in watcher.opened)
    eventually(lambda: "3" in {f.camera_id for f in watcher.frames})
    assert fleet.follow(held(spec("1", source="b"), spec("3"))) == []
    fleet.stop(5)
    count = len(watcher.frames)
    assert sorted(watcher.opened) == ["a", "a", "a", "b"]
    assert len(watcher.frames) == count


def test_cameras_open_before_frames_are_wanted():
    watcher = Watcher(lambda _id, _source: Played())
    watcher.wanted.clear()
    fleet = Fleet(watcher.hooks, QUICK)
    fleet.follow(held(spec("1")))
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
    fleet.follow(held(spec("1")))
    eventually(lambda: watcher.opened)
    fleet.stop(0.05)
    hang.set()
    assert watcher.frames == []


def test_a_camera_that_comes_back_to_this_worker_has_a_term_of_its_own():
    watcher = Watcher(lambda _id, _source: Played(frames=10**6))
    fleet = Fleet(watcher.hooks, QUICK)
    fleet.follow(held(spec("1"), term=1))
    eventually(lambda: watcher.frames)
    assert fleet.follow({}) == ["1"]
    fleet.follow(held(spec("1"), term=2))
    eventually(lambda: watcher.frames[-1].term == 2)
    fleet.stop(5)
    assert {f.term for f in watcher.frames} == {1, 2}


def test_masks_are_painted_before_a_frame_is_handed_on():
    class White(Played):
        def read(self):
            return Captured(np.full((10, 10, 3), 255, np.uint8), datetime.now(UTC))

    watcher = Watcher(lambda _id, _source: White())
    fleet = Fleet(watcher.hooks, QUICK)
    left_half = ((0.0, 0.0), (0.4, 0.0), (0.4, 1.0), (0.0, 1.0))
    fleet.follow(held(spec("1", privacy_masks=(left_half,))))
    eventually(lambda: watcher.frames)
    fleet.stop(5)
    image = watcher.frames[0].image
    assert (image[:, :4].max(), image[:, 6:].min()) == (0, 255)


def test_a_file_played_once_ends_and_is_not_opened_again():
    class Ending(Played):
        def read(self):
            if self.left == 0:
                raise CameraEnded("was played once")
            return super().read()

    watcher = Watcher(lambda _id, _source: Ending())
    fleet = Fleet(watcher.hooks, QUICK)
    fleet.follow(held(spec("1")))
    eventually(lambda: watcher.statuses("1")[-1:] == ["offline"])
    fleet.stop(5)
    assert (len(watcher.frames), watcher.opened) == (3, ["a"])
