"""Due moments, stages, rates and accounts, on runs small enough to reckon by hand."""

from itertools import pairwise

import pytest

from streaming.benchmark.pipeline.due import due_moments
from streaming.benchmark.pipeline.figures import figures, portions, task_times
from streaming.benchmark.pipeline.places import dropped, places
from tests.unit.benchmark.pipeline.runs import Run, at, window


def late_by(run, begin_s, end_s):
    """Of each due moment, ms until its frame was captured; None for one without a frame."""
    found = due_moments(run.ledger.frames, sorted(run.cameras), window(begin_s, end_s))
    return [
        m.message_id and round((run.ledger.frames[m.message_id].captured_s - m.due_s) * 1000)
        for m in found
    ]


@pytest.mark.parametrize(
    ("due", "late"),
    [
        ([0, 1, 2, 3, 4], [10, 10, 10, 10]),
        # Nothing for two seconds: both moments wait for the frame after.
        ([0, 1, 4, 5], [10, 2010, 1010, 10]),
        # The stall goes on to the end of the window, and ends after it.
        ([0, 1, 2, 6], [10, 10, 3010, 2010]),
        ([0, 1], [10, None, None, None]),
        # The camera began late.
        ([3, 4, 5], [2010, 1010, 10, 10]),
        ([], [None, None, None, None]),
        # Another worker took over, and its grid is another one.
        ([0, 1, 2.4, 3.4, 4.4], [10, 410, 10, 10]),
    ],
)
def test_a_moment_that_was_missed_is_answered_by_the_next_frame(due, late):
    run = Run()
    for due_s in due:
        run.frame(due_s)
    assert late_by(run, 1, 5) == late


def test_a_stall_shows_in_the_latency_of_verdicts():
    run = Run()
    for due_s in (0, 1, 4, 5):
        run.judge(run.frame(due_s))
    found = figures(run.ledger, window(1, 5))
    assert found["frames"]["missed"] == 2
    # 10 captured + 40 detection + 20 tasks + 20 queue + 800 provider, and up to 2 s of stall.
    times = task_times(run.ledger, due_moments(run.ledger.frames, ["1"], window(1, 5)))
    assert [round(t.end_to_end_ms) for t in times] == [890, 2890, 1890, 890]
    assert found["end_to_end_ms"]["p99"] == pytest.approx(2860, abs=10)


def test_the_stages_add_up_to_the_whole():
    run = Run()
    run.judge(run.frame(1, captured_ms=30), queue_ms=100)
    found = figures(run.ledger, window(1, 2))
    stages = {name: round(of["p50"]) for name, of in found["stages_ms"].items()}
    assert stages == {
        "captured": 30,
        "detection": 40,
        "tasks": 20,
        "queue": 100,
        "provider": 800,
        "answer": 0,
        "last_hop": 5,
    }
    assert found["end_to_end_ms"]["p50"] == pytest.approx(990, abs=0.1)
    assert found["provider_ms"]["mean"] == 800


def test_rates_and_ends_are_those_of_the_window_and_accounts_those_of_the_run():
    run = Run()
    run.frame(0)  # before the window: its task has no end
    run.judge(run.frame(1))
    run.judge(run.frame(2), status="expired", shown_ms=None)
    run.skip(3)
    run.frame(4, planned=False)  # neither a task nor a notice
    found = figures(run.ledger, window(1, 5))
    assert found["frames_per_s"] == 1.0
    assert found["tasks_per_s"] == 0.5
    assert found["success_rate"] == 0.5
    assert found["ends_by_reason"] == {"assessed": 1, "expired": 1}
    assert found["gate"] == {"groups": 4, "skipped": {"repeat": 1}, "calls_saved": 0.25}
    assert (found["tasks_without_end"], found["groups_without_task_or_notice"]) == (1, 1)
    assert found["unaccounted"] == 2
    assert found["verdicts_overtaken"] == 1


def test_what_other_cameras_send_is_passed_over():
    run = Run()
    run.frame(1, camera_id="someone-elses")
    assert not run.ledger.frames
    assert not run.ledger.tally.frame_ids


def test_portions_cover_the_window_once():
    parts = portions(window(0, 100))
    assert len(parts) == 10
    assert parts[0].begin_s == at(0).timestamp()
    assert all(a.end_s == b.begin_s for a, b in pairwise(parts))
    assert parts[-1].end_s == pytest.approx(at(100).timestamp())


@pytest.mark.parametrize(
    ("unplanned", "unjudged", "unshown", "expected"),
    [
        ((), (), (), []),
        ((1,), (), (), [("detection-results", 1)]),
        ((), (0, 2), (), [("assessment-tasks", 0), ("assessment-tasks", 2)]),
        ((), (), (2,), [("risk-assessment-results", 2)]),
        # Everything is left: that is no partition's trouble.
        ((), (0, 1, 2), (), []),
    ],
)
def test_a_partition_that_nobody_reads_is_told_by_what_was_left_on_it(
    unplanned, unjudged, unshown, expected
):
    run = Run(cameras=("0", "1", "2"))
    for partition in range(3):
        for due_s in range(4):
            planned = partition not in unplanned
            task = run.frame(due_s, str(partition), partition=partition, planned=planned)
            if planned and partition not in unjudged:
                shown_ms = None if partition in unshown else 5
                run.judge(task, partition=partition, shown_ms=shown_ms)
    assert [(p.topic, p.partition) for p in dropped(places(run.ledger))] == expected


def test_what_a_camera_that_goes_on_captures_after_the_end_does_not_count():
    run = Run()
    last = run.frame(4.0)
    run.ledger.until_s = at(5).timestamp()
    run.frame(5.0)
    assert run.ledger.tally.unaccounted == 1
    run.judge(last)
    assert run.ledger.tally.unaccounted == 0
    assert len(run.ledger.frames) == 1
