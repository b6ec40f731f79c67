"""Newest wins, cameras take turns, and everything dropped is told."""

import threading
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from streaming.detection.fair_queue import FairQueue


def queue(per_camera=1, total=100):
    return FairQueue(lambda item: item[0], per_camera=per_camera, total=total)


def test_a_newer_frame_replaces_the_older_and_keeps_its_turn():
    frames = queue()
    for item in ["a1", "b1", "a2"]:
        dropped = frames.offer(item)
    assert dropped == ["a1"]
    assert frames.take(9, timeout_s=0) == ["a2", "b1"]


def test_cameras_take_turns():
    frames = queue(per_camera=9)
    for item in ["a1", "a2", "a3", "b1", "c1"]:
        frames.offer(item)
    assert frames.take(2, timeout_s=0) == ["a1", "b1"]
    assert frames.take(9, timeout_s=0) == ["c1", "a2", "a3"]


def test_over_the_bound_the_camera_with_most_gives_way():
    frames = queue(per_camera=9, total=3)
    dropped = [d for item in ["a1", "a2", "b1", "c1", "d1"] for d in frames.offer(item)]
    assert dropped == ["a1", "a2"]
    assert len(frames) == 3


def test_taking_waits_for_a_frame_and_lingers_for_its_company():
    frames = queue()
    threading.Timer(0.02, lambda: [frames.offer("a1"), frames.offer("b1")]).start()
    assert frames.take(2, timeout_s=5, linger_s=5) == ["a1", "b1"]


def test_an_empty_queue_gives_nothing_in_time_and_at_once_when_closed():
    frames = queue()
    assert frames.take(1, timeout_s=0.01) == []
    frames.offer("a1")
    frames.close()
    assert frames.take(5, timeout_s=60, linger_s=60) == ["a1"]
    assert frames.take(5, timeout_s=60) == []


def test_a_camera_that_is_worked_on_has_no_turn_until_that_is_done():
    frames = FairQueue(lambda item: item[0], per_camera=2, hold=True)
    for item in ["a1", "a2", "b1"]:
        frames.offer(item)
    taken = frames.take(9, timeout_s=0)
    assert taken == ["a1", "b1"]
    assert frames.take(9, timeout_s=0) == []
    frames.done(taken)
    assert frames.take(9, timeout_s=0) == ["a2"]


def test_those_that_wait_leave_each_other_an_even_part():
    frames = queue()
    with ThreadPoolExecutor(3) as pool:
        takers = [pool.submit(frames.take, 9, timeout_s=5, linger_s=0.5) for _ in range(3)]
        for camera in "abcdefg":
            frames.offer(f"{camera}1")
        assert sorted(len(taker.result()) for taker in takers) == [2, 2, 3]


def test_who_waits_alone_takes_all_that_it_may():
    frames = queue()
    for camera in "abcde":
        frames.offer(f"{camera}1")
    assert [len(frames.take(3, timeout_s=0)) for _ in range(3)] == [3, 2, 0]


@given(st.lists(st.sampled_from("abcd")), st.integers(1, 3), st.integers(1, 6))
def test_nothing_is_lost_untold_and_bounds_hold(cameras, per_camera, total):
    frames = queue(per_camera, total)
    items = [f"{camera}{number}" for number, camera in enumerate(cameras)]
    dropped = [d for item in items for d in frames.offer(item)]
    assert len(frames) <= total
    taken = frames.take(10_000, timeout_s=0)
    assert sorted(dropped + taken) == sorted(items)
    assert all(
        sum(item.startswith(camera) for item in taken) <= per_camera for camera in set(cameras)
    )
