"""Tracks: the same number for the same road user, and a velocity that is right."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.detection.tracking import Tracks, follow
from tests.unit.detection.scenes import user


def ids(state, users, at_s):
    state, tracked = follow(state, users, at_s)
    return state, [d.track_id for d in tracked]


def watched(positions_by_frame, interval_s, side=40.0):
    """Each frame's (track id, velocity) of cars at these places."""
    state, seen = Tracks(), []
    for number, places in enumerate(positions_by_frame):
        users = [user("car", x, y, side=side, object_id=i) for i, (x, y) in enumerate(places)]
        state, tracked = follow(state, users, number * interval_s)
        seen.append([(d.track_id, d.velocity) for d in tracked])
    return seen


def test_a_car_keeps_its_number_even_where_its_boxes_never_overlap():
    # 60 px each half second with boxes 40 px wide.
    seen = watched([[(50 + 60 * k, 100)] for k in range(8)], 0.5)
    assert {track_id for ((track_id, _),) in seen} == {1}
    assert seen[0][0][1] is None  # one sighting has no velocity
    assert seen[-1][0][1] == pytest.approx((120.0, 0.0), abs=0.5)


def test_two_who_pass_each_other_keep_their_numbers():
    frames = [[(100 + 20 * k, 100), (300 - 20 * k, 120)] for k in range(11)]
    seen = watched(frames, 0.2)
    assert {a[0] for a, _ in seen} == {1}
    assert {b[0] for _, b in seen} == {2}


def test_one_who_was_hidden_for_a_second_comes_back_with_the_same_number():
    frames = [[(50 + 15 * k, 100)] if not 4 <= k < 9 else [] for k in range(14)]
    numbers = {t for frame in watched(frames, 0.2) for t, _ in frame}
    assert numbers == {1}


def test_one_who_stands_is_waited_for_longer_than_one_who_drives():
    for pace, kept in ((0, True), (20, False)):
        gone = [[] for _ in range(12)]  # 2.4 s
        frames = [*([(100 + pace * k, 100)] for k in range(4)), *gone, [(100 + pace * 16, 100)]]
        last = watched(frames, 0.2)[-1][0][0]
        assert (last == 1) is kept, pace


@pytest.mark.parametrize(
    ("second", "same"),
    [
        (user("car", 130, 100, side=40), True),
        (user("truck", 110, 100, side=40), True),  # the model changed its mind
        (user("car", 110, 100, side=15), False),  # nobody shrinks to a third
        (user("car", 300, 100, side=40), False),  # five sides in a fifth of a second
    ],
)
def test_what_continues_a_track(second, same):
    state, _ = follow(Tracks(), [user("car", 100, 100, side=40)], 0.0)
    _, (tracked,) = follow(state, [second], 0.2)
    assert (tracked.track_id == 1) is same


def test_lights_and_signs_are_not_tracked():
    _, (light, car) = follow(Tracks(), [user("traffic light", 0, 0), user("car", 50, 0)], 0.0)
    assert (light.track_id, car.track_id) == (None, 1)


def test_nothing_in_the_frame_is_no_trouble():
    state, none = follow(Tracks(), [], 0.0)
    assert (state, none) == (Tracks(), ())


places = st.lists(st.tuples(st.floats(0, 640, width=32), st.floats(0, 360, width=32)), max_size=10)


@settings(deadline=None)
@given(st.lists(places, max_size=8), st.floats(0.02, 0.5))
def test_no_two_in_a_frame_share_a_number_and_numbers_are_never_used_again(frames, interval_s):
    state, newest = Tracks(), 0
    for number, spots in enumerate(frames):
        users = [user("car", x, y, object_id=i) for i, (x, y) in enumerate(spots)]
        state, found = ids(state, users, number * interval_s)
        assert len(set(found)) == len(found) == len(spots)
        assert all(t <= newest or t > max(newest, 0) for t in found)
        assert state.next_id > max([newest, *found])
        newest = max([newest, *found])


@settings(deadline=None)
@given(st.permutations(range(6)))
def test_the_order_of_detections_changes_no_number(order):
    first = [user("car", 80 * i, 50, object_id=i) for i in range(6)]
    state, _ = follow(Tracks(), first, 0.0)
    later = [user("car", 80 * i + 15, 50, object_id=i) for i in range(6)]
    _, tracked = follow(state, [later[i] for i in order], 0.2)
    assert [d.track_id for d in tracked] == [i + 1 for i in order]
