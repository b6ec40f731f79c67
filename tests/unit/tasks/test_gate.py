"""The gate: what was asked a moment ago is not asked again; what is more dangerous is."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.messages import AssessmentTask, Spatial, decode, encode
from streaming.tasks.gate import GatePolicy, gate, iou, remember, sent
from streaming.tasks.plan import PlanPolicy, plan
from streaming.tasks.write import write
from tests.unit.tasks.messages import CAPTURED, NOW, group, message, user

CAR, PERSON = (100.0, 100.0, 180.0, 150.0), (190.0, 90.0, 206.0, 130.0)


def moved(box, by_px):
    return tuple(v + by_px for v in box)


def frame(after_s=0.0, *, boxes=(CAR, PERSON), names=("car", "person"), tracks=(None, None),
          risk=0.5, near=60.0, collision_s=None, shift_px=0.0, message_id=None):  # fmt: skip
    """A frame with one group of two, `after_s` after the first."""
    users = tuple(
        user(i, name, moved(box, shift_px), track)
        for i, (name, box, track) in enumerate(zip(names, boxes, tracks, strict=True))
    )
    hull = (min(b[0] for b in boxes), min(b[1] for b in boxes),
            max(b[2] for b in boxes), max(b[3] for b in boxes))  # fmt: skip
    one = group(
        0,
        (0, 1),
        risk=risk,
        box=moved(hull, shift_px),
        spatial=Spatial(1.0, 50.0, 50.0, near, collision_s),
    )
    at = CAPTURED + timedelta(seconds=after_s)
    return message([one], users, message_id=message_id or f"m{after_s}", captured_at=at)


def gated(state, detection, policy):
    return gate(state, detection, plan(detection, PlanPolicy()), NOW, policy)


def written(detection, chosen):
    """The tasks that were sent, as their readers see them."""
    values = write(detection, encode(detection), chosen, NOW)
    return [decode(value, AssessmentTask) for value in values]


def decided(*frames, **policy):
    """For each frame's one group: None if it was sent, else why it was not."""
    state, reasons = (), []
    for detection in frames:
        result = gated(state, detection, GatePolicy(**policy))
        state = result.state
        assert len(result.tasks) + len(result.skipped) == len(detection.groups)
        reasons.append(result.skipped[0].reason if result.skipped else None)
    return reasons


@pytest.mark.parametrize(
    ("change", "skipped"),
    [
        ({}, True),
        ({"shift_px": 3.0}, True),
        ({"risk": 0.2}, True),
        ({"risk": 0.54}, True),
        ({"risk": 0.56}, False),
        ({"near": 58.0}, True),
        ({"near": 40.0}, False),
        ({"near": 90.0}, True),
        ({"collision_s": 2.0}, False),
        ({"shift_px": 60.0}, False),
        ({"names": ("truck", "person")}, False),
        ({"names": ("person", "person")}, False),
        ({"boxes": (CAR, (230.0, 90.0, 246.0, 130.0))}, False),
        ({"boxes": (PERSON, CAR), "names": ("person", "car")}, True),
    ],
)
def test_a_group_like_one_sent_a_moment_ago_is_skipped_unless_it_is_more_dangerous(change, skipped):
    assert decided(frame(0), frame(2, **change)) == [None, "repeat" if skipped else None]


def test_a_collision_that_is_no_nearer_is_skipped():
    before = frame(0, collision_s=3.0)
    assert decided(before, frame(2, collision_s=2.9)) == [None, "repeat"]
    assert decided(before, frame(2, collision_s=2.5)) == [None, None]
    assert decided(before, frame(2, collision_s=None)) == [None, "repeat"]


def test_the_same_tracks_are_the_same_group_wherever_they_are():
    before = frame(0, tracks=(7, 8))
    assert decided(before, frame(2, tracks=(7, 8), shift_px=200.0)) == [None, "repeat"]
    assert decided(before, frame(2, tracks=(7, 9), shift_px=200.0)) == [None, None]


def test_a_calm_group_is_known_by_its_box_alone():
    swapped = {"boxes": (moved(CAR, 20.0), moved(PERSON, 25.0)), "risk": 0.1, "near": None}
    assert decided(frame(0, risk=0.1, near=None), frame(2, **swapped)) == [None, "repeat"]
    assert decided(frame(0, risk=0.1, near=None), frame(2, **swapped), calm_risk=0.0) == [
        None,
        None,
    ]


@pytest.mark.parametrize(("after_s", "reason"), [(19.9, "repeat"), (20.0, None), (-1.0, None)])
def test_a_repeat_is_asked_again_after_a_while_and_time_is_the_frames_own(after_s, reason):
    assert decided(frame(0), frame(after_s)) == [None, reason]


def test_the_time_counts_from_what_was_sent_and_not_from_what_was_skipped():
    times = [0, 8, 16, 24, 32, 40, 48]
    assert decided(*(frame(t) for t in times)) == [
        None, "repeat", "repeat", None, "repeat", "repeat", None
    ]  # fmt: skip


def test_a_skipped_group_names_the_task_whose_verdict_stands_for_it():
    first = gated((), frame(0), GatePolicy())
    second = gated(first.state, frame(2), GatePolicy())
    assert second.tasks == ()
    assert second.skipped[0].like == "m0:0"


def test_what_is_sent_says_how_many_tasks_its_frame_has():
    """Two groups of three are new: merging waits for two results."""
    groups = [group(i, (2 * i, 2 * i + 1), box=moved(CAR, 200.0 * i)) for i in range(3)]
    users = [user(i, "car", moved(CAR, 200.0 * (i // 2))) for i in range(6)]
    every = message(groups, users, message_id="b")
    known = message(groups[1:2], users, message_id="a")
    result = gated(gated((), known, GatePolicy()).state, every, GatePolicy())
    tasks = written(every, result.tasks)
    assert [(t.group_index, t.group_count) for t in tasks] == [(0, 2), (2, 2)]
    assert [(s.group_index, s.like) for s in result.skipped] == [(1, "a:1")]


def test_a_camera_has_so_many_tasks_a_minute_and_the_most_dangerous_go_first():
    groups = [group(i, (i,), risk=risk) for i, risk in enumerate((0.1, 0.9, 0.5))]
    detection = message(groups, (0, 1, 2))
    result = gated((), detection, GatePolicy(tasks_per_minute=2))
    tasks = written(detection, result.tasks)
    assert [(t.group_index, t.group_count) for t in tasks] == [(1, 2), (2, 2)]
    assert [(s.group_index, s.reason, s.like) for s in result.skipped] == [(0, "rate", None)]
    frames = [frame(5 * n, shift_px=100.0 * n) for n in range(14)]
    assert decided(*frames, tasks_per_minute=2) == [None] * 2 + ["rate"] * 10 + [None] * 2


def test_off_it_lets_everything_through():
    assert decided(frame(0), frame(1), frame(2), enabled=False) == [None] * 3


def test_a_frame_from_the_future_does_not_stay():
    """A clock that was wrong for one frame: the next one is compared as ever."""
    state = ()
    for after_s in (0, 10**8, 2, 4):
        state = gated(state, frame(after_s, shift_px=50 * after_s % 1000), GatePolicy()).state
    assert [entry.at_s - CAPTURED.timestamp() for entry in state] == [2, 4]


def test_boxes_without_area_overlap_nothing():
    assert iou((0, 0, 0, 0), (0, 0, 0, 0)) == 0.0
    assert iou((0, 0, 2, 2), (1, 0, 3, 2)) == pytest.approx(1 / 3)


@st.composite
def histories(draw):
    """Frames of a camera, mostly in order, with groups that come back."""
    at_s, frames = 0.0, []
    for number in range(draw(st.integers(1, 25))):
        at_s += draw(st.sampled_from([-3.0, 0.0, 0.5, 1.8, 1.8, 1.8, 30.0, 300.0]))
        place = draw(st.sampled_from([0.0, 4.0, 120.0]))
        risk = draw(st.sampled_from([0.1, 0.5, 0.7]))
        frames.append(frame(at_s, shift_px=place, risk=risk, message_id=f"m{number}"))
    return frames


@given(histories(), st.data())
def test_who_reads_the_sent_tasks_again_decides_as_before(frames, data):
    """What a new process knows at any moment: the tasks sent since the oldest one remembered."""
    policy, state, log, at = GatePolicy(tasks_per_minute=5), (), [], []
    for detection in frames:
        at.append((state, len(log)))
        result = gated(state, detection, policy)
        log += [[sent(t) for t in written(detection, result.tasks)]] if result.tasks else []
        state = result.state
    state, length = at[data.draw(st.integers(0, len(at) - 1))]
    if not state:
        return
    first = next(n for n, entries in enumerate(log) if state[0] in entries)
    again = ()
    # From anywhere before the oldest one, too: others' marks may reach further back.
    for entries in log[data.draw(st.integers(0, first)) : length]:
        again = remember(again, entries, policy)
    assert again == state
