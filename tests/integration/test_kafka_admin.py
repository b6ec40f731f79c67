"""Topics, offsets and lag on a real broker."""

from datetime import UTC, datetime

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from streaming.errors import KafkaUnreachable
from streaming.kafka import admin, dead_letters
from streaming.kafka.clients import consumer, producer, reader
from streaming.settings import KafkaSettings
from tests.waiting import eventually


def _produce(kafka: KafkaSettings, topic: str, count: int, partition: int = 0) -> None:
    out = producer(kafka, client_id="test")
    for number in range(count):
        out.produce(topic, value=b"%d" % number, partition=partition)
    assert out.flush(10) == 0


def test_topics_are_created_once_and_found_as_they_are(make_settings):
    kafka = make_settings().kafka
    first = admin.ensure_topics(kafka)
    again = admin.ensure_topics(kafka)
    assert [state.name for state in first] == [topic.name for topic in kafka.topics.all()]
    assert all(state.created and not state.drift for state in first)
    assert not any(state.created or state.changes or state.drift for state in again)


def test_partitions_grow_and_retention_follows_the_settings(make_settings):
    small = make_settings(partitions=2).kafka
    admin.ensure_topics(small)
    tasks = small.topics.assessment_tasks.model_copy(
        update={"partitions": 3, "retention_ms": 60_000}
    )
    grown = small.model_copy(
        update={"topics": small.topics.model_copy(update={"assessment_tasks": tasks})}
    )
    state = next(s for s in admin.ensure_topics(grown) if s.name == tasks.name)
    assert state.partitions == 3
    assert set(state.changes) == {"partitions 2 -> 3", "retention.ms 7200000 -> 60000"}
    # Brokers learn of a changed setting a little after it was taken.
    eventually(lambda: not any(s.changes for s in admin.ensure_topics(grown)))


def test_partitions_are_never_taken_away_and_that_is_said(make_settings):
    kafka = make_settings(partitions=2).kafka
    name = kafka.topics.detection_results.name
    client = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    client.create_topics([NewTopic(name, num_partitions=5)])[name].result()
    state = next(s for s in admin.ensure_topics(kafka) if s.name == name)
    assert state.partitions == 5
    assert state.drift == ("5 partitions, settings say 2; Kafka cannot take any away",)


def test_lag_is_what_a_group_has_not_committed(make_settings):
    kafka = make_settings().kafka
    admin.ensure_topics(kafka)
    topic = kafka.topics.detection_results.name
    _produce(kafka, topic, 7)
    member = consumer(kafka, group="tasks", instance_id="1")
    member.subscribe([topic])
    try:
        record = eventually(lambda: member.poll(0.5))
        member.commit(message=record, asynchronous=False)
    finally:
        member.close()
    assert admin.committed(kafka, "tasks", [topic]) == {(topic, 0): 1}
    assert admin.lag(kafka) == {("tasks", topic): 6}
    assert admin.watermarks(kafka, [topic])[topic, 0] == (0, 7)


def test_the_time_of_the_oldest_message_is_told_for_partitions_that_have_one(make_settings):
    kafka = make_settings().kafka
    admin.ensure_topics(kafka)
    topic = kafka.topics.detection_results.name
    out = producer(kafka, client_id="test")
    for partition, ms in [(1, 1_790_000_000_000), (1, 1_790_000_000_500), (2, 1_790_000_009_000)]:
        out.produce(topic, value=b"x", partition=partition, timestamp=ms)
    assert out.flush(10) == 0
    found = admin.first_written_ms(kafka, topic)
    assert found == {1: 1_790_000_000_000, 2: 1_790_000_009_000}


def test_a_restarted_static_member_gets_its_partitions_back_at_once(make_settings):
    kafka = make_settings().kafka
    admin.ensure_topics(kafka)
    topic = kafka.topics.assessment_tasks.name
    for _ in range(2):
        member = consumer(kafka, group="scheduling", instance_id="1")
        member.subscribe([topic])
        eventually(lambda m=member: m.poll(0.05) or len(m.assignment()) == 4, 5)
        member.close()


def test_a_dead_letter_keeps_the_bytes_and_tells_why(make_settings):
    kafka = make_settings().kafka
    admin.ensure_topics(kafka)
    topic = kafka.topics.detection_results.name
    out = producer(kafka, client_id="test")
    out.produce(topic, key=b"7", value=b"not json", headers=[("traceparent", b"00-1")], partition=2)
    out.flush(10)
    records = reader(kafka)
    try:
        from confluent_kafka import TopicPartition

        records.assign([TopicPartition(topic, 2, 0)])
        record = eventually(lambda: records.poll(0.5))
        now = datetime(2026, 1, 2, tzinfo=UTC)
        dead_letters.send(out, record, stage="tasks", error=ValueError("no"), now=now)
        out.flush(10)
        dlq = dead_letters.dlq_topic(topic)
        records.assign([TopicPartition(dlq, p, 0) for p in range(4)])
        letter = eventually(lambda: records.poll(0.5))
    finally:
        records.close()
    assert (letter.key(), letter.value()) == (b"7", b"not json")
    assert dict(letter.headers()) == {
        "traceparent": b"00-1",
        "error": b"ValueError: no",
        "source-topic": topic.encode(),
        "source-partition": b"2",
        "source-offset": b"0",
        "stage": b"tasks",
        "failed-at": b"2026-01-02T00:00:00+00:00",
    }


def test_a_missing_broker_is_named_with_its_setting():
    kafka = KafkaSettings(bootstrap_servers="127.0.0.1:9")
    with pytest.raises(KafkaUnreachable, match=r"127\.0\.0\.1:9 \(kafka.bootstrap_servers\)"):
        admin.wait_for_broker(kafka, 0.3)
