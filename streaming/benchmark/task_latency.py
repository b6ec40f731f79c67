"""Measure the time from a detection to its tasks being visible to readers of committed messages."""

import statistics
import time
import uuid
from datetime import UTC, datetime

from confluent_kafka import Consumer, Message, TopicPartition

from streaming.benchmark.task_messages import messages
from streaming.errors import ServiceError
from streaming.kafka.admin import watermarks
from streaming.kafka.clients import producer as new_producer
from streaming.kafka.clients import reader
from streaming.settings import Settings

_WARM_UP_S = 3.0
_SILENCE_S = 25.0
_LEAST = 0.9
_STEP_S = 0.002


def latency_ms(settings: Settings, *, per_s: float, for_s: float) -> dict[str, float]:
    """p50 and p95 in ms from the broker having the detection to its first task being read.

    Raises:
        ServiceError: tasks stay away.
    """
    kafka = settings.kafka
    topic = kafka.topics.assessment_tasks.name
    ends = watermarks(kafka, [topic])
    consumer: Consumer = reader(kafka)
    consumer.assign([TopicPartition(topic, p, high) for (_, p), (_, high) in ends.items()])
    producer = new_producer(kafka, client_id="bench", linger_ms=0)
    prefix = f"late-{uuid.uuid4().hex[:16]}"
    waiting = messages(round(per_s * (for_s + _WARM_UP_S)), prefix, datetime.now(UTC))
    there_s: dict[bytes, float] = {}

    def acknowledged(message_id: bytes, record: Message) -> None:
        if message_id in there_s:
            there_s[message_id] += record.latency() or 0.0

    took_ms: list[float] = []
    begun_s = time.monotonic()
    sent, total = 0, round(per_s * (for_s + _WARM_UP_S))
    seen, seen_s = 0, begun_s
    # What the gate leaves out never comes: the end is also when nothing came for a while.
    while seen < total and (sent < total or time.monotonic() - seen_s < _SILENCE_S):
        now_s = time.monotonic()
        while sent < total and sent < (now_s - begun_s) * per_s:
            key, value = next(waiting)
            message_id = b"%s-%012d" % (prefix.encode(), sent)
            there_s[message_id] = time.monotonic()
            producer.produce(
                kafka.topics.detection_results.name,
                value,
                key,
                on_delivery=lambda _, record, of=message_id: acknowledged(of, record),
            )
            sent += 1
        found = consumer.consume(1_000, _STEP_S)
        producer.poll(0)
        for record in found:
            at_s = there_s.pop(record.key() or b"", None)
            if at_s is not None:
                seen, seen_s = seen + 1, time.monotonic()
                if at_s - begun_s > _WARM_UP_S:
                    took_ms.append((time.monotonic() - at_s) * 1000)
    consumer.close()
    if seen < total * _LEAST:
        raise ServiceError(f"{total - seen} of {total} messages became no task")
    cuts = statistics.quantiles(took_ms, n=20)
    return {"p50": round(statistics.median(took_ms), 1), "p95": round(cuts[18], 1)}
