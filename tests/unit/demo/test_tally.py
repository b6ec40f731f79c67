"""The demo's figures come from the messages alone."""

from datetime import UTC, datetime, timedelta

import pytest

from streaming.demo.tally import Tally, percentile
from streaming.messages import SkippedGroup
from tests import builders

START = datetime(2026, 11, 23, 8, tzinfo=UTC)


def tally() -> Tally:
    return Tally(started_at=START)


def test_a_message_delivered_twice_counts_once():
    t = tally()
    frame, task, end = (
        builders.detection_result(),
        builders.assessment_task(task_id="m:0"),
        builders.risk_assessment(task_id="m:0"),
    )
    for _ in range(2):
        t.add_detection(frame)
        t.add_task(task)
        t.add_assessment(end)
    summary = t.summary()
    assert (summary["frames"], summary["tasks"], summary["assessed"]) == (1, 1, 1)
    assert t.repeated == 2


@pytest.mark.parametrize(
    ("ends", "balanced"),
    [
        (["assessed", "assessed"], True),
        (["assessed", "expired"], True),
        (["assessed", "failed"], True),
        (["assessed", None], False),
        (["expired", "failed"], False),
    ],
)
def test_a_run_balances_when_every_task_ended_and_one_was_assessed(ends, balanced):
    t = tally()
    for index, status in enumerate(ends):
        t.add_task(builders.assessment_task(task_id=f"m:{index}"))
        if status:
            t.add_assessment(builders.risk_assessment(task_id=f"m:{index}", status=status))
    assert t.balanced is balanced


@pytest.mark.parametrize(("skipped", "balanced"), [((1,), True), ((), False)])
def test_every_group_is_a_task_or_skipped(skipped, balanced):
    t = tally()
    groups = (builders.group(), builders.group(group_index=1))
    t.add_detection(builders.detection_result(message_id="m", groups=groups))
    t.add_task(builders.assessment_task(message_id="m"))
    t.add_assessment(builders.risk_assessment(message_id="m"))
    for index in skipped:
        left_out = (SkippedGroup(index, "repeat", "l:0"),)
        t.add_skipped(builders.skipped_groups(message_id="m", skipped=left_out))
    summary = t.summary()
    assert t.balanced is balanced
    assert (summary["groups"], summary["tasks"], summary["skipped"]) == (2, 1, len(skipped))


def test_results_of_an_earlier_runs_tasks_do_not_hide_a_missing_one():
    t = tally()
    t.add_task(builders.assessment_task(task_id="mine:0"))
    t.add_assessment(builders.risk_assessment(task_id="earlier:0"))
    assert t.unaccounted == 1
    assert t.summary()["assessed"] == 0


def test_the_first_assessment_counts_from_the_start_of_the_demo():
    t = tally()
    for seconds in (9.0, 4.5, 7.0):
        t.add_assessment(
            builders.risk_assessment(
                task_id=f"m:{seconds}", assessed_at=START + timedelta(seconds=seconds)
            )
        )
    assert t.first_assessment_s == 4.5


def test_rates_forget_what_is_older_than_their_window():
    t = tally()
    for second in range(30):
        t.add_detection(
            builders.detection_result(
                message_id=str(second), produced_at=START + timedelta(seconds=second)
            )
        )
    frames_per_s, _ = t.rates(START + timedelta(seconds=30))
    assert frames_per_s == pytest.approx(1.0, abs=0.11)
    assert t.rates(START + timedelta(seconds=90)) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([], 0.5, None), ([7.0], 0.99, 7.0), ([1.0, 2.0, 3.0, 4.0], 0.5, 3.0), ([1.0, 2.0], 0.0, 1.0)],
)
def test_percentiles_are_values_that_occurred(values, share, expected):
    assert percentile(values, share) == expected
