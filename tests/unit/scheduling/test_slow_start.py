"""How many calls may be under way after a rest."""

from math import inf

import pytest

from streaming.scheduling.slow_start import FIRST, GROWS_EVERY_S, REST_S, SlowStart


def filled(start: SlowStart, now: float) -> None:
    start.started(now, start.room(now))


def grown(most: int, times: int) -> SlowStart:
    start, now = SlowStart(most), 0.0
    for _ in range(times):
        filled(start, now)
        now = min(start.grows_at, now + 1.0)
    return start


def test_it_begins_with_few_and_never_allows_more_than_the_most():
    assert SlowStart(1000).room(0.0) == FIRST
    assert SlowStart(3).room(0.0) == 3
    assert grown(FIRST + 5, times=50).room(100.0) == FIRST + 5


def test_one_more_every_five_milliseconds_while_that_is_not_enough():
    start = SlowStart(1000)
    filled(start, 7.0)
    assert start.grows_at == pytest.approx(7.0 + GROWS_EVERY_S)
    assert start.room(7.0 + 0.9 * GROWS_EVERY_S) == FIRST
    assert start.room(7.0 + 1.1 * GROWS_EVERY_S) == FIRST + 1
    assert start.grows_at == inf
    assert start.room(9.0) == FIRST + 1


def test_room_that_is_not_used_up_does_not_grow():
    start = SlowStart(1000)
    start.started(0.0, FIRST - 1)
    assert start.grows_at == inf
    assert start.room(60.0) == FIRST


@pytest.mark.parametrize(
    ("left", "after_s", "rested"),
    [(0, REST_S + 1, True), (0, REST_S - 1, False), (1, REST_S + 100, False)],
)
def test_after_a_rest_without_any_call_it_begins_anew(left, after_s, rested):
    start = grown(1000, times=30)
    room = start.room(100.0)
    assert room > FIRST
    start.ended(100.0, left)
    assert start.room(100.0 + after_s) == (FIRST if rested else room)


def test_a_call_ends_the_rest():
    start = grown(1000, times=30)
    room = start.room(100.0)
    start.ended(100.0, 0)
    start.started(101.0, 1)
    assert start.room(101.0 + 2 * REST_S) == room
