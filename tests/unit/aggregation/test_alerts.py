"""One dangerous moment is one alert."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.aggregation.alerts import QUIET_S, Alert, closed, gap, placed, sightings
from streaming.aggregation.view import frame_view
from tests.builders import NOON, detection_result, group, risk_assessment

HERE, NEAR, AWAY = (0.0, 0.0, 100.0, 100.0), (140.0, 10.0, 240.0, 110.0), (300.0, 0.0, 400.0, 90.0)


def seen(after_s: float = 0.0, box=HERE, level: str = "medium", confidence: float = 0.7) -> Alert:
    at = NOON + timedelta(seconds=after_s)
    message_id = f"m{after_s}-{box[0]}"
    frame = detection_result(message_id=message_id, captured_at=at, groups=(group(xyxy=box),))
    verdict = risk_assessment(
        message_id=message_id, captured_at=at, risk_level=level, confidence=confidence
    )
    (alert,) = sightings(frame_view(frame, (verdict,), timed_out=False), "Harbour Road")
    return alert


@pytest.mark.parametrize("level", ["none", "low", "unknown"])
def test_only_dangers_are_sighted(level):
    status = "failed" if level == "unknown" else "assessed"
    verdict = risk_assessment(risk_level=level, status=status)
    assert sightings(frame_view(detection_result(), (verdict,), timed_out=False), "x") == ()


def test_a_sighting_waits_for_its_place_until_the_frame_is_given_up():
    verdict = risk_assessment(risk_level="high", group_count=2)
    assert sightings(frame_view(None, (verdict,), timed_out=False), "x") == ()
    assert len(sightings(frame_view(None, (verdict,), timed_out=True), "x")) == 1


def test_the_first_sighting_opens_an_alert():
    alert, step = placed(seen(), ())
    assert step == "opened"
    assert (alert.camera_name, alert.bbox, alert.image_ref) == ("Harbour Road", HERE, "c" * 32)


@pytest.mark.parametrize(
    ("second", "step"),
    [
        (seen(1.8, NEAR), "seen"),
        (seen(QUIET_S - 0.1, NEAR), "seen"),
        (seen(1.8, NEAR, "high"), "raised"),
        (seen(1.8, AWAY), "opened"),
        (seen(QUIET_S + 0.1, HERE), "opened"),
        (seen(-1.8, NEAR), "seen"),
    ],
)
def test_a_sighting_near_in_time_and_place_is_the_same_danger(second, step):
    change = placed(second, (seen(),))
    assert change is not None
    assert change[1] == step


def test_an_alert_keeps_its_worst_verdict_and_its_last_place():
    first = seen(0, HERE, "high", 0.9)
    alert, _ = placed(seen(1.8, NEAR, "medium", 0.8), (first,))
    assert (alert.risk_level, alert.current_level, alert.confidence) == ("high", "medium", 0.9)
    assert (alert.bbox, alert.last_seen_at) == (NEAR, NOON + timedelta(seconds=1.8))
    assert (alert.id, len(alert.sightings)) == (first.id, 2)


def test_a_sighting_delivered_again_is_not_counted_again():
    alert, _ = placed(seen(1.8, NEAR), (seen(),))
    assert placed(seen(1.8, NEAR), (alert,)) is None
    assert placed(seen(), (alert,)) is None


def test_a_camera_with_a_wrong_clock_does_not_break_it():
    far = seen().__class__
    assert far is Alert
    extreme = seen(-60_000_000_000)
    assert placed(extreme, (seen(),)) == (extreme, "opened")


def test_an_alert_is_raised_and_lowered_with_its_level():
    alert, steps = seen(0, HERE, "medium"), []
    for n, level in enumerate(("high", "high", "medium", "medium", "high"), start=1):
        alert, step = placed(seen(1.8 * n, HERE, level), (alert,))
        steps.append(step)
    assert steps == ["raised", "seen", "lowered", "seen", "raised"]


def test_a_closed_alert_opens_again_only_for_a_newer_sighting():
    over = closed(placed(seen(3.6), (seen(),))[0])
    assert over.closed_at == over.last_seen_at + timedelta(seconds=QUIET_S)
    straggler, step = placed(seen(1.8), (over,))
    assert (step, straggler.closed_at, len(straggler.sightings)) == ("seen", over.closed_at, 3)
    again, step = placed(seen(9.0), (over,))
    assert (step, again.id, again.closed_at) == ("opened", over.id, None)


ordinates = st.floats(0, 500)
boxes = st.tuples(ordinates, ordinates, ordinates, ordinates).map(
    lambda v: (min(v[0], v[2]), min(v[1], v[3]), max(v[0], v[2]), max(v[1], v[3]))
)


@given(boxes, boxes)
def test_a_gap_is_symmetric_and_nothing_where_boxes_touch(a, b):
    assert gap(a, b) == pytest.approx(gap(b, a))
    assert gap(a, a) == 0.0
    assert gap(a, b) >= 0.0
