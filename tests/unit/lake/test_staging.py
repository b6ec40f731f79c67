"""Messages to rows: every field in its column, and nothing that one bad message can stop."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from msgspec import UNSET

from streaming.lake.tables import ASSESSMENTS, DETECTED_OBJECTS, DETECTIONS, LLM_CALLS, TASKS
from streaming.messages import Failure, Frame, encode
from tests.builders import (
    assessment_task,
    detection,
    detection_result,
    group,
    provider_call,
    risk_assessment,
    spatial,
)
from tests.unit.lake.rows import bring

NOON = datetime(2026, 11, 23, 12, 0, 0, 250_000, tzinfo=UTC)
NOON_IN_LAKE = NOON.replace(tzinfo=None)


def rows(con, table):
    found = con.execute(f"FROM {table.name} ORDER BY kafka_offset").fetchall()
    return [dict(zip(table.column_names, row, strict=True)) for row in found]


def test_a_frame_is_one_row_and_each_of_its_objects_another(lake):
    frame = detection_result(
        captured_at=NOON,
        detections=(
            detection(object_id=0),
            detection(object_id=7, track_id=3, velocity=(1.5, -2.0), xyxy=(1.0, 2.0, 3.0, 4.0)),
        ),
        groups=(group(surrogate_risk=0.25), group(group_index=1, surrogate_risk=0.75)),
    )

    assert bring(lake, "detections", frame) == []

    (row,) = rows(lake, DETECTIONS)
    assert row["message_id"] == frame.message_id
    assert row["captured_at"] == NOON_IN_LAKE
    assert row["produced_at"] == NOON_IN_LAKE + timedelta(milliseconds=40)
    assert (row["frame_width"], row["frame_height"]) == (640, 360)
    assert (row["object_count"], row["group_count"]) == (2, 2)
    assert row["max_surrogate_risk"] == 0.75
    first, second = sorted(rows(lake, DETECTED_OBJECTS), key=lambda r: r["object_id"])
    assert (first["track_id"], first["velocity_x"]) == (None, None)
    assert (second["track_id"], second["velocity_x"], second["velocity_y"]) == (3, 1.5, -2.0)
    assert [second[edge] for edge in ("x1", "y1", "x2", "y2")] == [1.0, 2.0, 3.0, 4.0]


def test_a_frame_with_nobody_in_it_is_a_row_without_objects(lake):
    bring(lake, "detections", detection_result(detections=(), groups=()))

    (row,) = rows(lake, DETECTIONS)
    assert (row["object_count"], row["group_count"], row["max_surrogate_risk"]) == (0, 0, None)
    assert rows(lake, DETECTED_OBJECTS) == []


def test_a_task_is_a_row(lake):
    task = assessment_task(spatial=spatial(min_spacing=12.5, time_to_collision_s=None), priority=80)

    bring(lake, "tasks", task)

    (row,) = rows(lake, TASKS)
    assert (row["task_id"], row["priority"], row["object_count"]) == (task.task_id, 80, 2)
    assert (row["min_spacing_px"], row["time_to_collision_s"]) == (12.5, None)
    assert (row["x1"], row["y2"]) == (88.0, 172.0)


def test_a_verdict_is_a_row_with_its_lists(lake):
    verdict = risk_assessment(risk_types=("追尾", 'a "quoted" one'), description="a\u0000b\nc")

    bring(lake, "assessments", verdict)

    (row,) = rows(lake, ASSESSMENTS)
    assert row["risk_types"] == ["追尾", 'a "quoted" one']
    assert row["description"] == "a\u0000b\nc"
    assert row["trigger_object_ids"] == [0, 1]
    assert (row["queue_ms"], row["llm_ms"], row["end_to_end_ms"]) == (12.0, 800.0, 900.0)
    assert (row["error_type"], row["error_message"], row["image_used"]) == (None, None, True)


def test_each_call_of_a_task_is_a_row_in_its_order(lake):
    throttled = provider_call(
        outcome="throttled", key_id="key_2", took_ms=30.5, prompt_tokens=0, completion_tokens=0
    )
    answered = provider_call(started_at=NOON + timedelta(seconds=1))
    verdict = risk_assessment(calls=(throttled, answered))

    bring(lake, "assessments", verdict)

    first, second = sorted(rows(lake, LLM_CALLS), key=lambda r: r["call_index"])
    assert first["task_id"] == second["task_id"] == verdict.task_id
    assert (first["outcome"], first["key_id"], first["took_ms"]) == ("throttled", "key_2", 30.5)
    assert (second["call_index"], second["outcome"]) == (1, "answered")
    assert second["started_at"] == NOON_IN_LAKE + timedelta(seconds=1)
    assert (second["prompt_tokens"], second["completion_tokens"]) == (420, 60)


def test_a_verdict_of_an_older_scheduler_tells_of_no_calls(lake):
    older = risk_assessment(calls=UNSET)

    assert bring(lake, "assessments", older) == []

    assert len(rows(lake, ASSESSMENTS)) == 1
    assert rows(lake, LLM_CALLS) == []


def test_a_failure_keeps_its_reason(lake):
    bring(lake, "assessments", risk_assessment(status="failed", error=Failure("timeout", "35 s")))

    (row,) = rows(lake, ASSESSMENTS)
    assert (row["status"], row["risk_level"]) == ("failed", "unknown")
    assert (row["error_type"], row["error_message"]) == ("timeout", "35 s")


def test_times_are_kept_in_utc_whatever_zone_they_came_in(lake):
    in_shanghai = NOON.astimezone(timezone(timedelta(hours=8)))

    bring(lake, "detections", detection_result(captured_at=in_shanghai))

    assert rows(lake, DETECTIONS)[0]["captured_at"] == NOON_IN_LAKE


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"messageId": "m"', "not JSON"),
        (b"{}", "missing required field"),
        (encode(detection_result()).replace(b'"inferenceMs":4.2', b'"inferenceMs":"4"'), "$.infer"),
        (encode(detection_result()).replace(b'"schemaVersion":1', b'"schemaVersion":9'), "newer"),
    ],
)
def test_bytes_that_are_no_message_are_rejected_with_the_reason(lake, raw, reason):
    good = detection_result()

    (rejected,) = bring(lake, "detections", good, raw, good)

    assert (rejected.partition, rejected.offset, rejected.value) == (0, 1, raw)
    assert reason in rejected.reason
    assert [row["kafka_offset"] for row in rows(lake, DETECTIONS)] == [0, 2]


def test_a_number_that_no_column_holds_rejects_its_message_alone(lake):
    too_large = detection_result(frame=Frame(sequence=2**70, width=1, height=1))
    batch = [detection_result()] * 6 + [too_large] + [detection_result()] * 4 + [too_large]

    rejected = bring(lake, "detections", *batch)

    assert [letter.offset for letter in rejected] == [6, 11]
    assert "$.frame.sequence" in rejected[0].reason
    kept = [row["kafka_offset"] for row in rows(lake, DETECTIONS)]
    assert kept == [0, 1, 2, 3, 4, 5, 7, 8, 9, 10]


def test_a_huge_message_is_kept_in_part():
    from streaming.lake.batch import MAX_KEPT_BYTES
    from tests.unit.lake.rows import batch_of

    (rejected,) = batch_of("tasks", b"x" * 1_000_000).rejected

    assert len(rejected.value) == MAX_KEPT_BYTES
