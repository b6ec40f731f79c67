"""Rates and latency over a sliding window."""

from streaming.aggregation.view import frame_view
from streaming.api.pulse import Pulse, quantile
from tests.builders import detection_result, risk_assessment


def test_a_frame_and_its_verdict_count_once_however_often_they_are_told():
    pulse = Pulse()
    frame, verdict = detection_result(), risk_assessment()
    for assessments in ((), (verdict,), (verdict,)):
        pulse.add(frame_view(frame, assessments, timed_out=False), 1.0)
    reading = pulse.reading(1.0)
    assert (reading["framesPerS"], reading["verdictsPerS"]) == (0.1, 0.1)
    assert reading["endToEndP95Ms"] == 900.0


def test_what_is_long_ago_no_longer_counts():
    pulse = Pulse()
    pulse.add(frame_view(detection_result(), (risk_assessment(),), timed_out=False), 0.0)
    assert pulse.reading(11.0)["framesPerS"] == 0.0
    assert pulse.reading(59.0)["endToEndP50Ms"] == 900.0
    assert pulse.reading(61.0)["endToEndP50Ms"] is None


def test_quantiles_are_nearest_rank():
    values = [float(n) for n in range(1, 101)]
    assert (quantile(values, 0.5), quantile(values, 0.95), quantile([], 0.5)) == (51.0, 96.0, None)
