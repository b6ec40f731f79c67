"""The lake's tables, their columns with types and units, and how they are laid out. Pure.

Flat on purpose: whoever knows SQL needs no JSON path. Times are UTC without a zone, so
that a day's partition is the same day for every reader.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """`type` is DuckDB's; `description` says the unit."""

    name: str
    type: str
    description: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table; `day_of` is the time whose day partitions it, else `parted_by` a column;
    `sorted_by` is the order in a file."""

    name: str
    description: str
    columns: tuple[Column, ...]
    day_of: str | None = None
    sorted_by: tuple[str, ...] = ()
    parted_by: str | None = None

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


_MESSAGE_ID = Column("message_id", "VARCHAR", "UUIDv7 of the frame's DetectionResult")
_CAMERA_ID = Column("camera_id", "VARCHAR", "The camera, as in config/cameras.yaml")
_CAPTURED_AT = Column("captured_at", "TIMESTAMP", "When the camera gave the frame, UTC")
_KAFKA = (
    Column("kafka_partition", "INTEGER", "Partition of the topic the message came from"),
    Column("kafka_offset", "BIGINT", "Its offset there: with the partition, unique in the table"),
)
_BOX = (
    Column("x1", "FLOAT", "Left edge, px of the frame"),
    Column("y1", "FLOAT", "Top edge, px of the frame"),
    Column("x2", "FLOAT", "Right edge, px of the frame"),
    Column("y2", "FLOAT", "Bottom edge, px of the frame"),
)
_TASK = (
    Column("task_id", "VARCHAR", "messageId:groupIndex, the same in tasks and assessments"),
    _MESSAGE_ID,
    _CAMERA_ID,
    Column("group_index", "INTEGER", "Which group of the frame, from 0"),
    Column("group_count", "INTEGER", "Groups in the frame"),
    _CAPTURED_AT,
)

DETECTIONS = Table(
    "detections",
    "One row a frame: what the detection stage saw and how long it took.",
    (
        _MESSAGE_ID,
        _CAMERA_ID,
        _CAPTURED_AT,
        Column("produced_at", "TIMESTAMP", "When the result went to Kafka, UTC"),
        Column("frame_sequence", "BIGINT", "Frame number since the worker opened the camera"),
        Column("frame_width", "INTEGER", "px"),
        Column("frame_height", "INTEGER", "px"),
        Column("object_count", "INTEGER", "Road users found"),
        Column("group_count", "INTEGER", "Groups of road users close to each other"),
        Column("max_surrogate_risk", "FLOAT", "Highest surrogate risk of a group, 0 to 1"),
        Column("inference_ms", "FLOAT", "Time of the detection model, ms"),
        Column("model", "VARCHAR", "Detection model"),
        *_KAFKA,
    ),
    day_of="captured_at",
    sorted_by=("camera_id", "captured_at"),
)

DETECTED_OBJECTS = Table(
    "detected_objects",
    "One row a road user in a frame.",
    (
        _MESSAGE_ID,
        _CAMERA_ID,
        _CAPTURED_AT,
        Column("object_id", "INTEGER", "Number of the object in its frame"),
        Column("class_name", "VARCHAR", "person, bicycle, car, motorcycle, bus or truck"),
        Column("confidence", "FLOAT", "0 to 1"),
        *_BOX,
        Column("track_id", "BIGINT", "Same number, same road user, while it is in view"),
        Column("velocity_x", "FLOAT", "px/s, to the right"),
        Column("velocity_y", "FLOAT", "px/s, downwards"),
        *_KAFKA,
    ),
    day_of="captured_at",
    sorted_by=("camera_id", "captured_at"),
)

TASKS = Table(
    "tasks",
    "One row a group that a vision language model was asked to judge.",
    (
        *_TASK,
        Column("created_at", "TIMESTAMP", "When the task was planned, UTC"),
        Column("deadline_at", "TIMESTAMP", "After this it expires unjudged, UTC"),
        Column("priority", "INTEGER", "0 (can wait) to 100"),
        Column("object_count", "INTEGER", "Road users in the group"),
        *_BOX,
        Column("density", "FLOAT", "Road users per 10,000 px²"),
        Column("average_spacing_px", "FLOAT", "Mean distance of box centres, px"),
        Column("min_spacing_px", "FLOAT", "Least distance of box centres, px"),
        Column("pedestrian_vehicle_min_distance_px", "FLOAT", "px; null where the group lacks one"),
        Column("time_to_collision_s", "FLOAT", "s at constant velocity; null where paths part"),
        Column("surrogate_risk", "FLOAT", "0 to 1, from geometry alone"),
        *_KAFKA,
    ),
    day_of="captured_at",
    sorted_by=("camera_id", "captured_at"),
)

ASSESSMENTS = Table(
    "assessments",
    "One row a task that ended: judged, expired or failed.",
    (
        *_TASK,
        Column("assessed_at", "TIMESTAMP", "When the task ended, UTC"),
        Column("status", "VARCHAR", "assessed, expired or failed"),
        Column("risk_level", "VARCHAR", "none, low, medium, high; unknown unless assessed"),
        Column("confidence", "FLOAT", "The model's own, 0 to 1"),
        Column("risk_types", "VARCHAR[]", "One to three short phrases"),
        Column("description", "VARCHAR", "What the model saw"),
        Column("danger_object_count", "INTEGER", "Road users in danger"),
        Column("trigger_object_ids", "INTEGER[]", "object_id of those who cause it"),
        Column("model", "VARCHAR", "Vision language model"),
        Column("key_id", "VARCHAR", "Id of the API key, never the key"),
        Column("attempts", "INTEGER", "Provider calls made"),
        Column("queue_ms", "FLOAT", "Waiting for a slot, ms"),
        Column("llm_ms", "FLOAT", "In the provider's calls, ms"),
        Column("end_to_end_ms", "FLOAT", "From capture to verdict, ms"),
        Column("prompt_tokens", "INTEGER", "Tokens sent"),
        Column("completion_tokens", "INTEGER", "Tokens received"),
        Column("cost", "DOUBLE", "In the currency of provider.price_currency"),
        Column("error_type", "VARCHAR", "Why it was not assessed; null if it was"),
        Column("error_message", "VARCHAR", "The same in a sentence"),
        Column("prompt_version", "VARCHAR", "Which prompt was asked"),
        Column("image_used", "BOOLEAN", "False: the model saw the geometry alone"),
        *_KAFKA,
    ),
    day_of="captured_at",
    sorted_by=("camera_id", "captured_at"),
)

LLM_CALLS = Table(
    "llm_calls",
    "One row a call to the provider, refused and repeated ones with them. Since schema version 5.",
    (
        Column("task_id", "VARCHAR", "The task it was made for"),
        _CAMERA_ID,
        _CAPTURED_AT,
        Column("call_index", "INTEGER", "Which call of the task's assessment, from 0"),
        Column("started_at", "TIMESTAMP", "When the request left, UTC"),
        Column("took_ms", "FLOAT", "Until the answer was read, or was given up, ms"),
        Column("key_id", "VARCHAR", "Id of the API key, never the key"),
        Column("model", "VARCHAR", "The model that answered, or that was asked"),
        Column("outcome", "VARCHAR", "answered, bad_answer (no verdict in it), or the error"),
        Column("prompt_tokens", "INTEGER", "Tokens sent; 0 unless it answered"),
        Column("completion_tokens", "INTEGER", "Tokens received"),
        *_KAFKA,
    ),
    day_of="captured_at",
    sorted_by=("camera_id", "captured_at"),
)

SKIPPED_GROUPS = Table(
    "skipped_groups",
    "One row a group that no model was asked about, and why. Since schema version 2.",
    (
        _MESSAGE_ID,
        _CAMERA_ID,
        _CAPTURED_AT,
        Column("group_index", "INTEGER", "Which group of the frame, from 0"),
        Column("group_count", "INTEGER", "Groups in the frame, with a task or without"),
        Column("reason", "VARCHAR", "repeat: like one asked a moment ago; rate: too many tasks"),
        Column("like_task_id", "VARCHAR", "repeat: the task whose verdict stands for this group"),
        *_KAFKA,
    ),
    day_of="captured_at",
    sorted_by=("camera_id", "captured_at"),
)

REJECTED = Table(
    "rejected",
    "Bytes on a topic that are not the message they should be, kept with the reason.",
    (
        Column("topic", "VARCHAR", "Kafka topic"),
        *_KAFKA,
        Column("reason", "VARCHAR", "What is wrong, with the field's path"),
        Column("value", "BLOB", "The first 64 KiB as they came"),
        Column("rejected_at", "TIMESTAMP", "UTC"),
    ),
)

INGESTED_OFFSETS = Table(
    "ingested_offsets",
    "How far each partition is in the lake; changed in the same transaction as the rows.",
    (
        Column("stream", "VARCHAR", "detections, tasks, assessments or skipped"),
        Column("topic", "VARCHAR", "Kafka topic"),
        Column("topic_id", "VARCHAR", "Kafka's id of it: another after the topic was recreated"),
        Column("kafka_partition", "INTEGER", "Partition"),
        Column("next_offset", "BIGINT", "The first offset that is not in the lake"),
        Column("updated_at", "TIMESTAMP", "UTC"),
    ),
    # A file a stream, so that a change replaces one and streams do not get in each other's way.
    parted_by="stream",
)

INGESTION_GAPS = Table(
    "ingestion_gaps",
    "Offsets that were gone from Kafka before they were read.",
    (
        Column("topic", "VARCHAR", "Kafka topic"),
        Column("kafka_partition", "INTEGER", "Partition"),
        Column("first_offset", "BIGINT", "The first offset lost"),
        Column("next_offset", "BIGINT", "The first offset read again; null: the topic is gone"),
        Column("reason", "VARCHAR", "retention or topic recreated"),
        Column("found_at", "TIMESTAMP", "UTC"),
    ),
)

INGESTIONS = Table(
    "ingestions",
    "One row a stream, changed by every batch: what makes two writers of one stream collide.",
    (
        Column("stream", "VARCHAR", "detections, tasks, assessments or skipped"),
        Column("batches", "BIGINT", "Batches committed so far"),
        Column("messages", "BIGINT", "Messages in them, rejected ones included"),
        Column("committed_at", "TIMESTAMP", "The last one, UTC"),
    ),
    # A file a stream, so that a change replaces one and streams do not get in each other's way.
    parted_by="stream",
)

KEY_CHECKS = Table(
    "key_checks",
    "One row a check of an API key against the provider.",
    (
        Column("checked_at", "TIMESTAMP", "UTC"),
        Column("key_id", "VARCHAR", "Id of the API key, never the key"),
        Column("valid", "BOOLEAN", "The provider accepted it"),
        Column("latency_ms", "FLOAT", "ms; null if it did not answer"),
        Column("error", "VARCHAR", "What it answered instead"),
    ),
)

ALERTS = Table(
    "alerts",
    "One row each time an alert begins to fire or is over. Silenced or not.",
    (
        Column("changed_at", "TIMESTAMP", "UTC"),
        Column("rule", "VARCHAR", "Name of the rule in config/monitoring.yaml"),
        Column("state", "VARCHAR", "firing or resolved"),
        Column("severity", "VARCHAR", "As the rule says: info, warning, error, critical, …"),
        Column("value", "DOUBLE", "What was measured"),
        Column("threshold", "DOUBLE", "What it is compared with, in the same unit"),
        Column("message", "VARCHAR", "The same in a sentence"),
        Column("alert", "VARCHAR", "The rule with its labels; null in rows of before"),
        Column("metric", "VARCHAR", "What was measured; null in rows of before"),
        Column("labels", "MAP(VARCHAR, VARCHAR)", "labels['group'], …; null in rows of before"),
    ),
)

BENCHMARKS = Table(
    "benchmarks",
    "One row a run of the whole path under load. Since schema version 3.",
    (
        Column("measured_at", "TIMESTAMP", "When the run ended, UTC"),
        Column("machine", "VARCHAR", "System, cores and memory: runs are compared on one machine"),
        Column("load_key", "VARCHAR", "The settings that make runs comparable, as JSON"),
        Column("version", "VARCHAR", "Trafficmon's version"),
        Column("cameras", "INTEGER", "Cameras"),
        Column("duration_s", "DOUBLE", "Seconds that were measured"),
        Column("provider", "VARCHAR", "simulator or real"),
        Column("end_to_end_p50_ms", "DOUBLE", "From the moment a frame was due to its verdict, ms"),
        Column("end_to_end_p95_ms", "DOUBLE", "The same"),
        Column("end_to_end_p99_ms", "DOUBLE", "The same"),
        Column("provider_p50_ms", "DOUBLE", "In the provider's calls, ms"),
        Column("provider_p95_ms", "DOUBLE", "The same"),
        Column("frames_per_s", "DOUBLE", "Frames on detection-results"),
        Column("tasks_per_s", "DOUBLE", "Tasks planned"),
        Column("success_rate", "DOUBLE", "Tasks that got a verdict, 0 to 1"),
        Column("http_429", "BIGINT", "Calls that the provider refused, by the simulator's count"),
        Column("unaccounted", "BIGINT", "Groups and tasks of which nobody knows how they ended"),
        Column("lag_end", "BIGINT", "Messages that waited at the end; null: not known"),
        Column("cores_busy", "DOUBLE", "Cores busy with anything on the machine"),
        Column("findings", "VARCHAR[]", "What was not as it should be, in sentences"),
        Column("report", "VARCHAR", "The whole report as JSON, without the lag over time"),
    ),
)

SCHEMA_VERSIONS = Table(
    "schema_versions",
    "The versions this lake's tables went through; the highest is in force.",
    (
        Column("version", "INTEGER", "From 1"),
        Column("applied_at", "TIMESTAMP", "UTC"),
    ),
)

TABLES: tuple[Table, ...] = (
    DETECTIONS,
    DETECTED_OBJECTS,
    TASKS,
    ASSESSMENTS,
    LLM_CALLS,
    SKIPPED_GROUPS,
    REJECTED,
    INGESTED_OFFSETS,
    INGESTION_GAPS,
    INGESTIONS,
    KEY_CHECKS,
    ALERTS,
    BENCHMARKS,
    SCHEMA_VERSIONS,
)
