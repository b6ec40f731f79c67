"""What may be committed never passes the oldest unfinished message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.kafka.offsets import OffsetTracker


def _tracker(started, done=(), partition=0):
    tracker = OffsetTracker()
    for offset in started:
        tracker.started(partition, offset)
    for offset in done:
        tracker.done(partition, offset)
    return tracker


@pytest.mark.parametrize(
    ("started", "done", "committable"),
    [
        ([5], [], {}),
        ([5], [5], {0: 6}),
        ([5, 6, 7], [6, 7], {}),
        ([5, 6, 7], [5, 7], {0: 6}),
        ([5, 6, 7], [7, 6, 5], {0: 8}),
        ([5, 9, 12], [5, 9], {0: 12}),  # offsets in between were compacted away
        ([5, 9, 12], [5, 9, 12], {0: 13}),
    ],
)
def test_the_oldest_unfinished_message_holds_the_commit(started, done, committable):
    assert _tracker(started, done).committable() == committable


def test_partitions_do_not_hold_each_other():
    tracker = OffsetTracker()
    for partition in (0, 1):
        tracker.started(partition, 10)
    tracker.done(1, 10)
    assert tracker.committable() == {1: 11}
    assert tracker.in_flight == 1


def test_what_was_committed_is_not_named_again():
    tracker = _tracker([1, 2], [1])
    tracker.committed({0: 2, 9: 4})
    assert tracker.committable() == {}
    tracker.done(0, 2)
    assert tracker.committable() == {0: 3}


def test_a_commit_that_failed_is_named_again():
    tracker = _tracker([1], [1])
    assert tracker.committable() == tracker.committable() == {0: 2}


def test_a_revoked_partition_is_forgotten_with_its_unfinished_messages():
    tracker = _tracker([1, 2], [1])
    tracker.revoked([0, 3])
    tracker.done(0, 2)
    assert tracker.committable() == {}
    assert tracker.in_flight == 0


def test_after_a_rewind_later_messages_start_anew():
    tracker = _tracker([4, 5, 6], [4, 6])
    tracker.started(0, 5)
    tracker.done(0, 5)
    assert tracker.committable() == {0: 6}


def test_after_a_rewind_below_the_commit_the_partition_starts_anew():
    tracker = _tracker([4, 5], [4, 5])
    tracker.committed({0: 6})
    tracker.started(0, 4)
    assert tracker.committable() == {}
    tracker.done(0, 4)
    assert tracker.committable() == {0: 5}


@given(
    gaps=st.lists(st.integers(1, 3), min_size=1, max_size=30),
    data=st.data(),
)
def test_no_unfinished_message_is_ever_skipped(gaps, data):
    offsets = [sum(gaps[: n + 1]) for n in range(len(gaps))]
    tracker = _tracker(offsets)
    unfinished = set(offsets)
    for offset in data.draw(st.permutations(offsets)):
        tracker.done(0, offset)
        unfinished.discard(offset)
        upto = tracker.committable().get(0, offsets[0])
        assert all(o >= upto for o in unfinished)
        assert tracker.in_flight == len(unfinished)
    assert tracker.committable() == {0: offsets[-1] + 1}


def test_markers_at_the_end_of_a_partition_count_as_read():
    tracker = _tracker([5, 6], [5, 6])
    tracker.reached(0, 8)
    assert tracker.committable() == {0: 8}


def test_reaching_the_end_does_not_pass_an_unfinished_message():
    tracker = _tracker([5, 6], [6])
    tracker.reached(0, 8)
    assert tracker.committable() == {}
    tracker.done(0, 5)
    assert tracker.committable() == {0: 8}
