"""The shortest loop that makes tasks exactly once: the ceiling for `trafficmon bench tasks`.

Decode, encode a task a group, produce, one transaction a batch of 5,000: no checks, no priority,
no gate, no headers, no dead letters, no going on after an error.
"""

from datetime import UTC, datetime

from confluent_kafka import TopicPartition

from streaming.kafka.clients import consumer, producer
from streaming.messages import AssessmentTask, DetectionResult, decode, encode, task_id
from streaming.settings import Settings

_BATCH = 5_000
_CALL_S = 30.0


def run(settings: Settings) -> None:
    """Until it is killed."""
    source, target = settings.kafka.topics.detection_results, settings.kafka.topics.assessment_tasks
    out = producer(settings.kafka, client_id="bare", transactional_id=f"{target.name}-bare",
                   batch_size=262_144, linger_ms=50)  # fmt: skip
    out.init_transactions(_CALL_S)
    incoming = consumer(settings.kafka, group="tasks", instance_id="bare", fetch_queue_backoff_ms=5)
    incoming.subscribe([source.name])
    while True:
        records = incoming.consume(1, 1.0)
        if not records:
            continue
        records += incoming.consume(_BATCH - 1, 0.0)
        out.begin_transaction()
        now = datetime.now(UTC)
        for record in records:
            detection = decode(record.value() or b"", DetectionResult)
            key = detection.message_id.encode()
            for task in _tasks(detection, now):
                out.produce(target.name, encode(task), key)
        ends = {r.partition() or 0: (r.offset() or 0) + 1 for r in records}
        places = [TopicPartition(source.name, p, offset) for p, offset in ends.items()]
        out.send_offsets_to_transaction(places, incoming.consumer_group_metadata(), _CALL_S)
        out.commit_transaction(_CALL_S)


def _tasks(detection: DetectionResult, now: datetime) -> list[AssessmentTask]:
    objects = detection.detections
    return [
        AssessmentTask(
            task_id=task_id(detection.message_id, group.group_index),
            message_id=detection.message_id,
            camera_id=detection.camera_id,
            group_index=group.group_index,
            group_count=len(detection.groups),
            captured_at=detection.captured_at,
            created_at=now,
            deadline_at=detection.captured_at,
            priority=0,
            objects=tuple([objects[i] for i in group.member_object_ids]),
            xyxy=group.xyxy,
            frame_size=(detection.frame.width, detection.frame.height),
            spatial=group.spatial,
            surrogate_risk=group.surrogate_risk,
            image_ref=group.crop_ref,
        )
        for group in detection.groups
    ]
