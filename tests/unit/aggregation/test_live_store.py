"""Which of two results of a camera is the newer one."""

from datetime import timedelta

from streaming.aggregation.live_store import rank
from streaming.aggregation.view import frame_view
from tests.builders import NOON, detection_result, group, risk_assessment


def test_rank_grows_with_time_and_with_what_is_known():
    frame = detection_result(groups=(group(), group(group_index=1)))
    first = risk_assessment(group_index=0, group_count=2)
    second = risk_assessment(group_index=1, group_count=2)
    later = detection_result(captured_at=NOON + timedelta(microseconds=1))
    in_order = [
        frame_view(None, (first,), timed_out=False),
        frame_view(frame, (first,), timed_out=False),
        frame_view(frame, (first,), timed_out=True),
        frame_view(frame, (first, second), timed_out=False),
        frame_view(later, (), timed_out=False),
    ]
    ranks = [rank(view) for view in in_order]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == len(ranks)
