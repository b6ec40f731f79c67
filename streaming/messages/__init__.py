"""The wire contracts, a module a topic. Standard library and msgspec only: Flink runs these too."""

from streaming.messages.assessment_task import AssessmentTask, task_id
from streaming.messages.base import SCHEMA_VERSION, BBox, Message, Timestamp
from streaming.messages.camera_command import CameraCommand
from streaming.messages.camera_places import (
    Arrow,
    Homography,
    Point,
    Polygon,
    Zone,
    ZoneKind,
    check_polygon,
)
from streaming.messages.codec import HEADERS, decode, encode
from streaming.messages.detection_result import (
    Detection,
    DetectionResult,
    Frame,
    Group,
    Motion,
    Spatial,
    WorstPair,
)
from streaming.messages.risk_assessment import (
    RISK_LEVELS,
    Failure,
    Latency,
    ProviderCall,
    RiskAssessment,
    RiskLevel,
    Status,
    Usage,
)
from streaming.messages.skipped_groups import SkippedGroup, SkippedGroups, SkipReason

__all__ = [
    "HEADERS",
    "RISK_LEVELS",
    "SCHEMA_VERSION",
    "Arrow",
    "AssessmentTask",
    "BBox",
    "CameraCommand",
    "Detection",
    "DetectionResult",
    "Failure",
    "Frame",
    "Group",
    "Homography",
    "Latency",
    "Message",
    "Motion",
    "Point",
    "Polygon",
    "ProviderCall",
    "RiskAssessment",
    "RiskLevel",
    "SkipReason",
    "SkippedGroup",
    "SkippedGroups",
    "Spatial",
    "Status",
    "Timestamp",
    "Usage",
    "WorstPair",
    "Zone",
    "ZoneKind",
    "check_polygon",
    "decode",
    "encode",
    "task_id",
]
