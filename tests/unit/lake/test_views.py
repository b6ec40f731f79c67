from datetime import UTC, datetime, timedelta

import pytest

from streaming.messages import Latency
from tests.builders import assessment_task, detection_result, provider_call, risk_assessment
from tests.unit.lake.rows import bring

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_the_stages_of_a_tasks_latency_add_up(lake):
    captured = detection_result(captured_at=NOON, produced_at=NOON + timedelta(milliseconds=30))
    task = assessment_task(captured_at=NOON, created_at=NOON + timedelta(milliseconds=45))
    bring(lake, "detections", captured)
    bring(lake, "tasks", task)
    latency = Latency(queue_ms=100.0, llm_ms=800.0, end_to_end_ms=1_000.0)
    bring(lake, "assessments", risk_assessment(captured_at=NOON, latency=latency))

    row = lake.execute(
        "SELECT detection_ms, task_ms, queue_ms, llm_ms, transport_ms, end_to_end_ms FROM latency"
    ).fetchone()

    assert row == pytest.approx((30, 15, 100, 800, 55, 1_000))


def test_a_verdict_whose_task_is_not_in_the_lake_still_has_its_own_figures(lake):
    bring(lake, "assessments", risk_assessment())

    row = lake.execute("SELECT end_to_end_ms, detection_ms FROM latency").fetchone()

    assert row == (900.0, None)


def test_a_task_that_ended_twice_counts_once_by_its_first_end(lake):
    bring(
        lake,
        "assessments",
        risk_assessment(status="assessed"),
        risk_assessment(status="failed"),
        risk_assessment(message_id="other", status="expired"),
    )

    rows = lake.execute("SELECT ended, assessed, expired, failed FROM success_rate").fetchall()

    assert rows == [(2, 1, 1, 0)]


def test_cost_is_summed_by_key(lake):
    bring(
        lake,
        "assessments",
        risk_assessment(message_id="a", key_id="k1"),
        risk_assessment(message_id="b", key_id="k1"),
        risk_assessment(message_id="c", key_id="k2"),
    )

    rows = lake.execute("SELECT key_id, calls, prompt_tokens FROM cost ORDER BY key_id").fetchall()

    assert rows == [("k1", 2, 840), ("k2", 1, 420)]


def test_camera_activity_shows_cameras_without_a_verdict(lake):
    bring(lake, "detections", detection_result(camera_id="a"), detection_result(camera_id="b"))
    bring(lake, "assessments", risk_assessment(camera_id="a", risk_level="high"))

    rows = lake.execute(
        "SELECT camera_id, frames, objects, high FROM camera_activity ORDER BY camera_id"
    ).fetchall()

    assert rows == [("a", 1, 2, 1), ("b", 1, 2, 0)]


def test_a_keys_calls_are_counted_by_how_they_ended_and_a_repeated_message_adds_none(lake):
    throttled = provider_call(outcome="throttled", prompt_tokens=0, completion_tokens=0)
    answered = provider_call(started_at=NOON + timedelta(seconds=1), took_ms=900.0)
    twice = risk_assessment(captured_at=NOON, calls=(throttled, answered))
    bring(lake, "assessments", twice, twice)

    rows = lake.execute(
        "SELECT key_id, calls, answered, throttled, failed, p50_ms FROM key_activity"
    ).fetchall()

    assert rows == [("key_1", 2, 1, 1, 0, 900.0)]
