"""The wire contracts, a module a topic. Standard library and msgspec only: Flink runs these too."""

from streaming.messages.assessment_task import AssessmentTask, task_id
from streaming.messages.base import SCHEMA_VERSION, BBox, Message, Timestamp
from streaming.messages.camera_command import CameraCommand
from streaming.messages.codec import HEADERS, decode, encode
from streaming.messages.detection_result import (
    Detection,
    DetectionResult,
    Frame,
    Group,
    Spatial,
)
from streaming.messages.risk_assessment import (
    RISK_LEVELS,
    Failure,
    Latency,
    RiskAssessment,
    RiskLevel,
    Status,
    Usage,
)

__all__ = [
    "HEADERS",
    "RISK_LEVELS",
    "SCHEMA_VERSION",
    "AssessmentTask",
    "BBox",
    "CameraCommand",
    "Detection",
    "DetectionResult",
    "Failure",
    "Frame",
    "Group",
    "Latency",
    "Message",
    "RiskAssessment",
    "RiskLevel",
    "Spatial",
    "Status",
    "Timestamp",
    "Usage",
    "decode",
    "encode",
    "task_id",
]
