"""A frame's groups, judged in any order, as one result."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.aggregation.merge import FrameMerge, MergedFrame
from streaming.messages import RISK_LEVELS, Latency, RiskAssessment, SkippedGroup
from tests.builders import NOON, risk_assessment


def verdict(index: int, level: str, count: int = 3, **fields: object) -> RiskAssessment:
    status = "failed" if level == "unknown" else "assessed"
    return risk_assessment(
        group_index=index, group_count=count, status=status, risk_level=level, **fields
    )


def merged(*verdicts: RiskAssessment, groups: int = 3, timed_out: bool = False) -> MergedFrame:
    merge = FrameMerge(groups)
    for one in verdicts:
        merge.add(one)
    return merge.result(timed_out=timed_out)


@pytest.mark.parametrize(
    ("levels", "timed_out", "state", "shown", "dangerous"),
    [
        ([], False, "pending", "pending", False),
        ([], True, "partial", "unknown", False),
        (["none", "none", "none"], False, "complete", "none", False),
        (["none", "low", "none"], False, "complete", "low", False),
        (["none", "medium", "none"], False, "complete", "medium", True),
        (["low", "high", "medium"], False, "complete", "high", True),
        (["none", "none"], False, "pending", "pending", False),
        (["none", "high"], False, "pending", "high", True),
        (["none", "none"], True, "partial", "unknown", False),
        (["low"], True, "partial", "unknown", False),
        (["none", "high"], True, "partial", "high", True),
        (["none", "unknown", "none"], False, "complete", "unknown", False),
        (["low", "unknown", "low"], False, "complete", "unknown", False),
        (["unknown", "medium", "none"], False, "complete", "medium", True),
    ],
)
def test_a_danger_shows_at_once_and_calm_only_when_all_is_known(
    levels, timed_out, state, shown, dangerous
):
    frame = merged(*(verdict(i, level) for i, level in enumerate(levels)), timed_out=timed_out)
    assert (frame.state, frame.max_risk_level, frame.has_dangerous_driving) == (
        state,
        shown,
        dangerous,
    )


def test_a_frame_without_groups_is_calm_at_once():
    frame = merged(groups=0)
    assert (frame.state, frame.max_risk_level) == ("complete", "none")


def test_a_partial_frame_becomes_complete_when_the_rest_comes():
    merge = FrameMerge(2)
    merge.add(verdict(0, "none", count=2))
    assert merge.result(timed_out=True).state == "partial"
    merge.add(verdict(1, "low", count=2))
    after = merge.result(timed_out=True)
    assert (after.state, after.max_risk_level) == ("complete", "low")


def test_the_results_say_how_many_tasks_there_are():
    assert merged(verdict(0, "none", count=1), groups=0).state == "complete"
    assert merged(verdict(0, "none", count=2), groups=0).state == "pending"


def test_a_group_without_task_and_without_notice_is_waited_for():
    assert merged(verdict(0, "none", count=1), groups=2).state == "pending"


EARLIER = {"m0:0": verdict(0, "high"), "m0:1": verdict(1, "low"), "m0:2": verdict(2, "unknown")}


@pytest.mark.parametrize(
    ("like", "own", "state", "shown"),
    [
        (["m0:1"], ["none"], "complete", "low"),
        (["m0:0"], ["none"], "complete", "high"),
        (["m0:0"], [], "pending", "high"),
        (["m0:1", "m0:1"], [], "complete", "low"),
        (["m0:2"], ["none"], "complete", "unknown"),
        (["m0:9"], ["none"], "pending", "pending"),
        ([None], ["none"], "complete", "unknown"),
        ([None], ["medium"], "complete", "medium"),
    ],
)
def test_a_skipped_group_has_the_level_of_the_task_it_is_like(like, own, state, shown):
    skipped = tuple(
        SkippedGroup(i, "repeat" if task else "rate", task) for i, task in enumerate(like)
    )
    merge = FrameMerge(2, skipped, EARLIER)
    for index, level in enumerate(own, len(like)):
        merge.add(verdict(index, level, count=len(own)))
    frame = merge.result(timed_out=False)
    assert (frame.state, frame.max_risk_level, frame.group_count) == (state, shown, 2)


def test_a_duplicate_changes_nothing():
    merge = FrameMerge(2)
    assert merge.add(verdict(0, "low", count=2))
    assert not merge.add(verdict(0, "low", count=2))
    assert not merge.complete


def test_of_two_ends_of_one_task_the_assessed_one_counts():
    failed = verdict(0, "unknown", count=1)
    assessed = verdict(0, "high", count=1, assessed_at=NOON + timedelta(seconds=9))
    for order in ([failed, assessed], [assessed, failed]):
        assert merged(*order, groups=1).max_risk_level == "high"


def test_latency_is_that_of_the_slowest_group():
    slow = Latency(queue_ms=1, llm_ms=2_000, end_to_end_ms=2_500)
    frame = merged(verdict(0, "none"), verdict(1, "none", latency=slow), verdict(2, "none"))
    assert (frame.llm_ms, frame.end_to_end_ms, frame.llm_model) == (2_000, 2_500, "qwen-vl-plus")


@st.composite
def deliveries(draw):
    """Results of one frame, some tasks ended twice, in two orders with repetitions."""
    count = draw(st.integers(1, 6))
    ends = []
    for index in range(count):
        for attempt in range(draw(st.integers(0, 2))):
            level = draw(st.sampled_from(RISK_LEVELS))
            at = NOON + timedelta(milliseconds=draw(st.integers(0, 3)))
            one = verdict(index, level, count, assessed_at=at, attempts=attempt + 1)
            ends.append(one)
    repeated = ends + (draw(st.lists(st.sampled_from(ends), max_size=6)) if ends else [])
    return count, ends, draw(st.permutations(repeated))


@given(deliveries(), st.booleans())
def test_any_order_and_repetition_gives_the_same_frame(delivery, timed_out):
    count, once, shuffled = delivery
    assert merged(*once, groups=count, timed_out=timed_out) == merged(
        *shuffled, groups=count, timed_out=timed_out
    )


@given(deliveries())
def test_what_is_not_known_is_never_shown_as_calm(delivery):
    count, once, _ = delivery
    frame = merged(*once, groups=count, timed_out=True)
    judged = {a.task_id for a in frame.results if a.risk_level != "unknown"}
    if frame.max_risk_level in {"none", "low"}:
        assert len(judged) == count
