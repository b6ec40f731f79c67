"""The benchmarks of task generation: their messages and their counting."""

from datetime import UTC, datetime

from streaming.benchmark.gate import Tally
from streaming.benchmark.task_messages import CAMERAS, messages
from streaming.messages import DetectionResult, decode
from streaming.tasks.decide import Policy, decide

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_messages_are_as_large_as_was_asked_for_and_make_two_tasks_each():
    states, sizes, tasks = {}, [], 0
    for key, value in messages(4 * CAMERAS, "p" * 21, BEGAN):
        detection = decode(value, DetectionResult)
        assert (detection.camera_id.encode(), len(detection.detections)) == (key, 8)
        state = states.get(detection.camera_id, ())
        decided = decide(detection, value, Policy(), state, BEGAN)
        states[detection.camera_id] = decided.state
        sizes.append(len(value))
        tasks += len(decided.tasks)
    assert 1_400 < sum(sizes) / len(sizes) < 1_600
    assert tasks > 2 * 4 * CAMERAS * 0.95


def test_a_near_miss_is_missed_if_it_was_sent_in_none_of_its_frames():
    tally, pair, other = Tally(), frozenset({1, 2}), frozenset({8, 9})
    group, apart = frozenset({1, 2, 3}), frozenset({1, 5})
    tally.add(0, [pair, other], [group, apart], [group])  # sent once is enough
    tally.add(1, [pair], [group], [])
    tally.add(2, [], [], [])
    tally.add(3, [pair], [group], [])  # the pair's second time, skipped in both frames
    tally.add(4, [pair], [group], [apart])
    tally.close()
    # The other pair was in no group: no gate has hidden it.
    assert (tally.near_misses, tally.missed) == (2, 1)


def test_a_picture_from_just_before_shows_the_same_near_miss():
    pair, group = frozenset({1, 2}), frozenset({1, 2, 3})
    for just_before, missed in ((2, 0), (1, 1)):
        tally = Tally(just_before=just_before)
        tally.add(0, [], [group], [group])
        tally.add(1, [], [group], [])
        tally.add(2, [pair], [group], [])
        tally.close()
        assert (tally.near_misses, tally.missed) == (1, missed)
