"""A frame's picture, boxes and verdicts joined."""

from streaming.aggregation.view import frame_view
from streaming.messages import Failure
from tests.builders import detection_result, group, risk_assessment


def test_a_group_carries_its_place_and_its_verdict():
    view = frame_view(detection_result(), (risk_assessment(risk_level="high"),), timed_out=False)
    (one,) = view.groups
    assert (one.risk_level, one.classes, one.crop_ref) == ("high", ("car", "person"), "c" * 32)
    assert one.average_confidence == 0.9
    assert (view.state, view.has_dangerous_driving, view.judged) == ("complete", True, True)


def test_groups_wait_as_pending_and_are_given_up_as_unknown():
    frame = detection_result(groups=(group(), group(group_index=1)))
    first = risk_assessment(group_index=0, group_count=2, risk_level="none")
    waiting = frame_view(frame, (first,), timed_out=False)
    given_up = frame_view(frame, (first,), timed_out=True)
    assert [g.risk_level for g in waiting.groups] == ["none", "pending"]
    assert [g.risk_level for g in given_up.groups] == ["none", "unknown"]
    assert not waiting.judged


def test_verdicts_alone_make_a_view_without_a_picture():
    view = frame_view(None, (risk_assessment(),), timed_out=False)
    assert (view.frame, view.detections, view.groups[0].xyxy) == (None, (), None)


def test_a_failure_says_why():
    failed = risk_assessment(status="failed", error=Failure("timeout", "no answer after 35 s"))
    view = frame_view(detection_result(), (failed,), timed_out=False)
    assert (view.groups[0].risk_level, view.groups[0].error) == ("unknown", "no answer after 35 s")
