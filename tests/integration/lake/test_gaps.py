"""What was lost on the way is told: retention, topics that were recreated, and what is about to go."""

from datetime import UTC, datetime, timedelta

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from streaming.kafka import admin
from streaming.lake import ask, opened, source
from streaming.lake.falling_behind import falling_behind
from streaming.lake.streams import DETECTION_STREAM, TASK_STREAM
from streaming.messages import encode
from tests.builders import assessment_task
from tests.integration.lake.topics_to_lake import bring, column, frames, send
from tests.waiting import eventually


def test_what_retention_took_unread_is_written_down_once(settings):
    topic = settings.kafka.topics.detection_results
    send(settings, topic, frames(0, 100))
    bring(settings, DETECTION_STREAM)
    send(settings, topic, frames(100, 200))
    partition = first_partition_with(settings, topic)
    (low, high) = admin.watermarks(settings.kafka, [topic.name])[topic.name, partition]
    stored = dict(ask(settings, "SELECT kafka_partition, next_offset FROM ingested_offsets").rows)[
        partition
    ]
    client = AdminClient({"bootstrap.servers": settings.kafka.bootstrap_servers})
    cut = TopicPartition(topic.name, partition, high - 2)
    client.delete_records([cut])[TopicPartition(topic.name, partition)].result(30)

    (brought,) = bring(settings, DETECTION_STREAM)
    bring(settings, DETECTION_STREAM)

    (gap,) = brought.gaps
    assert (gap.partition, gap.first_offset, gap.next_offset) == (partition, stored, high - 2)
    rows = ask(settings, "SELECT first_offset, next_offset, reason FROM ingestion_gaps").rows
    assert rows == ((stored, high - 2, "retention"),)
    assert len(column(settings, "SELECT 1 FROM detections")) == 200 - (high - 2 - stored)
    assert low == 0


def first_partition_with(settings, topic):
    ends = admin.watermarks(settings.kafka, [topic.name])
    return next(p for (_, p), (_, high) in sorted(ends.items()) if high > 10)


def test_a_recreated_topic_is_read_anew_though_its_offsets_are_known(settings):
    topic = settings.kafka.topics.detection_results
    send(settings, topic, frames(0, 50))
    bring(settings, DETECTION_STREAM)
    client = AdminClient({"bootstrap.servers": settings.kafka.bootstrap_servers})
    client.delete_topics([topic.name])[topic.name].result(30)
    eventually(lambda: not source.topic_ends(settings.kafka, [topic.name]))
    eventually(lambda: created_again(settings, topic))
    send(settings, topic, frames(50, 120))

    (brought,) = bring(settings, DETECTION_STREAM)
    (after,) = bring(settings, DETECTION_STREAM)

    assert (brought.messages, after.messages, after.gaps) == (70, 0, ())
    assert {gap.reason for gap in brought.gaps} == {"topic recreated"}
    ids = column(settings, "SELECT message_id FROM detections")
    assert sorted(ids) == sorted(f"m{n}" for n in range(120))


def created_again(settings, topic):
    admin.ensure_topics(settings.kafka)
    return topic.name in source.topic_ends(settings.kafka, [topic.name])


def test_messages_past_half_of_their_retention_are_told_before_they_are_gone(settings):
    topic = settings.kafka.topics.assessment_tasks
    send(settings, topic, [encode(assessment_task(message_id=f"m{n}")) for n in range(20)])
    now = datetime.now(UTC)
    in_an_hour = now + timedelta(minutes=61)

    assert falling_behind(None, settings.kafka, now=now) == ()
    (late,) = falling_behind(None, settings.kafka, now=in_an_hour)
    bring(settings, TASK_STREAM)
    with opened(settings, read_only=True) as con:
        assert falling_behind(con, settings.kafka, now=in_an_hour) == ()

    assert (late.stream, late.messages, late.retention) == ("tasks", 20, timedelta(hours=2))
    assert "older than 1 h" in late.sentence
