"""From each topic to its tables: the message type that decodes it, the SQL that flattens it.

DuckDB does the flattening: 2.9 µs a verdict, against 9 µs for picking fields in Python.
It gets the bytes as they came, once `streaming.messages` has decoded them.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from streaming.lake.tables import (
    ASSESSMENTS,
    DETECTED_OBJECTS,
    DETECTIONS,
    LLM_CALLS,
    SKIPPED_GROUPS,
    TASKS,
    Table,
)
from streaming.messages import (
    AssessmentTask,
    DetectionResult,
    Message,
    RiskAssessment,
    SkippedGroups,
)
from streaming.settings import KafkaSettings

Shape = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Target:
    """A table and how its rows come from `m`: message `j`, `kafka_partition`, `kafka_offset`."""

    table: Table
    select: str


@dataclass(frozen=True, slots=True)
class Stream:
    """A topic on its way to the lake; `shape` is DuckDB's for json_transform."""

    name: str
    topic: Callable[[KafkaSettings], str]
    message_type: type[Message]
    shape: Shape
    targets: tuple[Target, ...]

    @property
    def shape_json(self) -> str:
        return json.dumps(self.shape)


def _time(path: str) -> str:
    # Through TIMESTAMPTZ: a cast to TIMESTAMP would drop the offset unapplied.
    return f"make_timestamp(epoch_us({path}::TIMESTAMPTZ))"


_OBJECT: Shape = {
    "objectId": "INTEGER",
    "className": "VARCHAR",
    "confidence": "FLOAT",
    "xyxy": ["FLOAT"],
    "trackId": "BIGINT",
    "velocity": ["FLOAT"],
}
_TASK: Shape = {
    "taskId": "VARCHAR",
    "messageId": "VARCHAR",
    "cameraId": "VARCHAR",
    "groupIndex": "INTEGER",
    "groupCount": "INTEGER",
    "capturedAt": "VARCHAR",
}
_TASK_COLUMNS = "j.taskId, j.messageId, j.cameraId, j.groupIndex, j.groupCount, " + _time(
    "j.capturedAt"
)

DETECTION_STREAM = Stream(
    name="detections",
    topic=lambda kafka: kafka.topics.detection_results.name,
    message_type=DetectionResult,
    shape={
        "messageId": "VARCHAR",
        "cameraId": "VARCHAR",
        "capturedAt": "VARCHAR",
        "producedAt": "VARCHAR",
        "frame": {"sequence": "BIGINT", "width": "INTEGER", "height": "INTEGER"},
        "detections": [_OBJECT],
        "groups": [{"surrogateRisk": "FLOAT"}],
        "inferenceMs": "FLOAT",
        "model": "VARCHAR",
    },
    targets=(
        Target(
            DETECTIONS,
            f"""
            SELECT j.messageId, j.cameraId, {_time("j.capturedAt")}, {_time("j.producedAt")},
                   j.frame.sequence, j.frame.width, j.frame.height, len(j.detections),
                   len(j.groups), list_max([g.surrogateRisk FOR g IN j.groups]), j.inferenceMs,
                   j.model, kafka_partition, kafka_offset
            FROM m
            """,  # noqa: S608
        ),
        Target(
            DETECTED_OBJECTS,
            f"""
            SELECT messageId, cameraId, {_time("capturedAt")}, o.objectId, o.className,
                   o.confidence, o.xyxy[1], o.xyxy[2], o.xyxy[3], o.xyxy[4], o.trackId,
                   o.velocity[1], o.velocity[2], kafka_partition, kafka_offset
            FROM (SELECT j.messageId, j.cameraId, j.capturedAt, unnest(j.detections) AS o,
                         kafka_partition, kafka_offset FROM m)
            """,  # noqa: S608
        ),
    ),
)

TASK_STREAM = Stream(
    name="tasks",
    topic=lambda kafka: kafka.topics.assessment_tasks.name,
    message_type=AssessmentTask,
    shape=_TASK
    | {
        "createdAt": "VARCHAR",
        "deadlineAt": "VARCHAR",
        "priority": "INTEGER",
        "objects": [{"objectId": "INTEGER"}],
        "xyxy": ["FLOAT"],
        "spatial": {
            "density": "FLOAT",
            "averageSpacing": "FLOAT",
            "minSpacing": "FLOAT",
            "pedestrianVehicleMinDistance": "FLOAT",
            "timeToCollisionS": "FLOAT",
        },
        "surrogateRisk": "FLOAT",
    },
    targets=(
        Target(
            TASKS,
            f"""
            SELECT {_TASK_COLUMNS}, {_time("j.createdAt")}, {_time("j.deadlineAt")}, j.priority,
                   len(j.objects), j.xyxy[1], j.xyxy[2], j.xyxy[3], j.xyxy[4],
                   j.spatial.density, j.spatial.averageSpacing, j.spatial.minSpacing,
                   j.spatial.pedestrianVehicleMinDistance, j.spatial.timeToCollisionS,
                   j.surrogateRisk, kafka_partition, kafka_offset
            FROM m
            """,  # noqa: S608
        ),
    ),
)

ASSESSMENT_STREAM = Stream(
    name="assessments",
    topic=lambda kafka: kafka.topics.risk_assessment_results.name,
    message_type=RiskAssessment,
    shape=_TASK
    | {
        "assessedAt": "VARCHAR",
        "status": "VARCHAR",
        "riskLevel": "VARCHAR",
        "confidence": "FLOAT",
        "riskTypes": ["VARCHAR"],
        "description": "VARCHAR",
        "dangerObjectCount": "INTEGER",
        "triggerObjectIds": ["INTEGER"],
        "model": "VARCHAR",
        "keyId": "VARCHAR",
        "attempts": "INTEGER",
        "latency": {"queueMs": "FLOAT", "llmMs": "FLOAT", "endToEndMs": "FLOAT"},
        "usage": {"promptTokens": "INTEGER", "completionTokens": "INTEGER", "cost": "DOUBLE"},
        "error": {"type": "VARCHAR", "message": "VARCHAR"},
        "promptVersion": "VARCHAR",
        "imageUsed": "BOOLEAN",
        "calls": [
            {
                "startedAt": "VARCHAR",
                "tookMs": "FLOAT",
                "keyId": "VARCHAR",
                "model": "VARCHAR",
                "outcome": "VARCHAR",
                "promptTokens": "INTEGER",
                "completionTokens": "INTEGER",
            }
        ],
    },
    targets=(
        Target(
            ASSESSMENTS,
            f"""
            SELECT {_TASK_COLUMNS}, {_time("j.assessedAt")}, j.status, j.riskLevel, j.confidence,
                   j.riskTypes, j.description, j.dangerObjectCount, j.triggerObjectIds, j.model,
                   j.keyId, j.attempts, j.latency.queueMs, j.latency.llmMs, j.latency.endToEndMs,
                   j.usage.promptTokens, j.usage.completionTokens, j.usage.cost, j.error.type,
                   j.error.message, j.promptVersion, j.imageUsed, kafka_partition, kafka_offset
            FROM m
            """,  # noqa: S608
        ),
        Target(
            LLM_CALLS,
            f"""
            SELECT taskId, cameraId, {_time("capturedAt")}, i - 1, {_time("c.startedAt")},
                   c.tookMs, c.keyId, c.model, c.outcome, c.promptTokens, c.completionTokens,
                   kafka_partition, kafka_offset
            FROM (SELECT j.taskId, j.cameraId, j.capturedAt, unnest(j.calls) AS c,
                         generate_subscripts(j.calls, 1) AS i, kafka_partition, kafka_offset FROM m)
            """,  # noqa: S608
        ),
    ),
)

SKIPPED_STREAM = Stream(
    name="skipped",
    topic=lambda kafka: kafka.topics.skipped_groups.name,
    message_type=SkippedGroups,
    shape={
        "messageId": "VARCHAR",
        "cameraId": "VARCHAR",
        "capturedAt": "VARCHAR",
        "groupCount": "INTEGER",
        "skipped": [{"groupIndex": "INTEGER", "reason": "VARCHAR", "like": "VARCHAR"}],
    },
    targets=(
        Target(
            SKIPPED_GROUPS,
            f"""
            SELECT messageId, cameraId, {_time("capturedAt")}, g.groupIndex, groupCount, g.reason,
                   g."like", kafka_partition, kafka_offset
            FROM (SELECT j.messageId, j.cameraId, j.capturedAt, j.groupCount,
                         unnest(j.skipped) AS g, kafka_partition, kafka_offset FROM m)
            """,  # noqa: S608
        ),
    ),
)

STREAMS: tuple[Stream, ...] = (DETECTION_STREAM, TASK_STREAM, ASSESSMENT_STREAM, SKIPPED_STREAM)
