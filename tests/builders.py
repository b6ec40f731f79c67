"""Whole, valid messages; a test names only the fields it is about."""

from datetime import UTC, datetime, timedelta
from typing import Any

from streaming.messages import (
    AssessmentTask,
    CameraCommand,
    Detection,
    DetectionResult,
    Frame,
    Group,
    Latency,
    ProviderCall,
    RiskAssessment,
    SkippedGroup,
    SkippedGroups,
    Spatial,
    Usage,
    task_id,
)

NOON = datetime(2026, 11, 23, 12, 0, 0, 250_000, tzinfo=UTC)
MESSAGE_ID = "019ab1c2-3d4e-7f50-8a6b-7c8d9e0f1a2b"


def detection(**fields: Any) -> Detection:
    return Detection(
        **{
            "object_id": 0,
            "class_name": "car",
            "class_id": 2,
            "confidence": 0.9,
            "xyxy": (100.0, 100.0, 180.0, 150.0),
        }
        | fields
    )


def spatial(**fields: Any) -> Spatial:
    return Spatial(
        **{
            "density": 0.4,
            "average_spacing": 60.0,
            "min_spacing": 60.0,
            "pedestrian_vehicle_min_distance": 60.0,
        }
        | fields
    )


def group(**fields: Any) -> Group:
    return Group(
        **{
            "group_index": 0,
            "member_object_ids": (0, 1),
            "xyxy": (88.0, 88.0, 240.0, 172.0),
            "spatial": spatial(),
            "surrogate_risk": 0.3,
            "crop_ref": "c" * 32,
        }
        | fields
    )


def detection_result(**fields: Any) -> DetectionResult:
    captured_at = fields.get("captured_at", NOON)
    return DetectionResult(
        **{
            "message_id": MESSAGE_ID,
            "camera_id": "1",
            "captured_at": captured_at,
            "produced_at": captured_at + timedelta(milliseconds=40),
            "frame": Frame(sequence=1, width=640, height=360, image_ref="f" * 32),
            "detections": (
                detection(),
                detection(
                    object_id=1, class_name="person", class_id=0, xyxy=(200.0, 100.0, 216.0, 140.0)
                ),
            ),
            "groups": (group(),),
            "inference_ms": 4.2,
            "model": "builtin",
        }
        | fields
    )


def assessment_task(**fields: Any) -> AssessmentTask:
    message_id = fields.get("message_id", MESSAGE_ID)
    group_index = fields.get("group_index", 0)
    captured_at = fields.get("captured_at", NOON)
    return AssessmentTask(
        **{
            "task_id": task_id(message_id, group_index),
            "message_id": message_id,
            "camera_id": "1",
            "group_index": group_index,
            "group_count": 1,
            "captured_at": captured_at,
            "created_at": captured_at + timedelta(milliseconds=50),
            "deadline_at": captured_at + timedelta(seconds=30),
            "priority": 50,
            "objects": detection_result().detections,
            "xyxy": (88.0, 88.0, 240.0, 172.0),
            "frame_size": (640, 360),
            "spatial": spatial(),
            "surrogate_risk": 0.3,
            "image_ref": "c" * 32,
        }
        | fields
    )


def provider_call(**fields: Any) -> ProviderCall:
    return ProviderCall(
        **{
            "started_at": NOON + timedelta(milliseconds=60),
            "took_ms": 800.0,
            "key_id": "key_1",
            "model": "qwen-vl-plus",
            "outcome": "answered",
            "prompt_tokens": 420,
            "completion_tokens": 60,
        }
        | fields
    )


def risk_assessment(**fields: Any) -> RiskAssessment:
    message_id = fields.get("message_id", MESSAGE_ID)
    group_index = fields.get("group_index", 0)
    captured_at = fields.get("captured_at", NOON)
    status = fields.get("status", "assessed")
    return RiskAssessment(
        **{
            "task_id": task_id(message_id, group_index),
            "message_id": message_id,
            "camera_id": "1",
            "group_index": group_index,
            "group_count": 1,
            "status": status,
            "risk_level": "medium" if status == "assessed" else "unknown",
            "confidence": 0.72 if status == "assessed" else 0.0,
            "risk_types": ("车辆靠近行人",) if status == "assessed" else (),
            "description": "车辆与行人距离较近" if status == "assessed" else "",
            "danger_object_count": 2 if status == "assessed" else 0,
            "trigger_object_ids": (0, 1) if status == "assessed" else (),
            "model": "qwen-vl-plus",
            "key_id": "key_1",
            "attempts": 1,
            "latency": Latency(queue_ms=12.0, llm_ms=800.0, end_to_end_ms=900.0),
            "usage": Usage(prompt_tokens=420, completion_tokens=60, cost=0.001),
            "prompt_version": "1",
            "captured_at": captured_at,
            "assessed_at": captured_at + timedelta(milliseconds=900),
            "calls": (provider_call(started_at=captured_at + timedelta(milliseconds=60)),),
        }
        | fields
    )


def camera_command(**fields: Any) -> CameraCommand:
    return CameraCommand(
        **{"camera_id": "1", "name": "Harbour Road", "source": "rtsp://10.0.0.5/stream1"} | fields
    )


def skipped_groups(**fields: Any) -> SkippedGroups:
    return SkippedGroups(
        **{
            "message_id": MESSAGE_ID,
            "camera_id": "1",
            "captured_at": NOON,
            "group_count": 2,
            "skipped": (SkippedGroup(0, "repeat", "019ab1c2-0000-7f50-8a6b-7c8d9e0f1a2b:1"),),
        }
        | fields
    )
