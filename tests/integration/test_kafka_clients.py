"""The guarantees that our producers and consumers are made with, on a real broker."""

import pytest
from confluent_kafka import KafkaException, TopicPartition

from streaming.kafka import admin
from streaming.kafka.clients import consumer, is_fatal, producer, reader
from tests.waiting import eventually


@pytest.fixture
def kafka(make_settings):
    settings = make_settings(partitions=1).kafka
    admin.ensure_topics(settings)
    return settings


def _written(kafka, topic, *values):
    out = producer(kafka, client_id="test")
    for value in values:
        out.produce(topic, value=value)
    assert out.flush(10) == 0


def test_a_new_group_starts_at_the_earliest_message_and_commits_nothing_by_itself(make_settings):
    """The guide's `auto_offset_reset: latest` and `enable_auto_commit: true` would lose tasks."""
    kafka = make_settings(
        partitions=1,
        TRAFFICMON_KAFKA__CONSUMER__AUTO_OFFSET_RESET="latest",
        TRAFFICMON_KAFKA__CONSUMER__ENABLE_AUTO_COMMIT="true",
        TRAFFICMON_KAFKA__CONSUMER__AUTO_COMMIT_INTERVAL_MS="100",
    ).kafka
    admin.ensure_topics(kafka)
    topic = kafka.topics.assessment_tasks.name
    _written(kafka, topic, b"before the group was there")
    member = consumer(kafka, group="scheduling", instance_id="1")
    member.subscribe([topic])
    record = eventually(lambda: member.poll(0.5))
    assert record.value() == b"before the group was there"
    member.close()
    assert admin.committed(kafka, "scheduling", [topic]) == {}


def test_a_transaction_is_seen_whole_or_not_at_all(kafka):
    topic = kafka.topics.assessment_tasks.name
    out = producer(kafka, client_id="test", transactional_id="test-1")
    out.init_transactions(30)
    out.begin_transaction()
    out.produce(topic, value=b"never")
    out.flush(10)
    out.abort_transaction(30)
    out.begin_transaction()
    out.produce(topic, value=b"whole")
    out.commit_transaction(30)
    records = reader(kafka)
    try:
        records.assign([TopicPartition(topic, 0, 0)])
        assert eventually(lambda: records.poll(0.5)).value() == b"whole"
    finally:
        records.close()


def test_a_worker_that_is_back_ends_the_transaction_its_killed_self_left_open(kafka):
    topic = kafka.topics.assessment_tasks.name
    first = producer(kafka, client_id="test", transactional_id="test-1")
    first.init_transactions(30)
    first.begin_transaction()
    first.produce(topic, value=b"half done")
    first.flush(10)

    second = producer(kafka, client_id="test", transactional_id="test-1")
    second.init_transactions(30)
    _written(kafka, topic, b"after")
    records = reader(kafka)
    try:
        records.assign([TopicPartition(topic, 0, 0)])
        assert eventually(lambda: records.poll(0.5)).value() == b"after"
    finally:
        records.close()
    first.produce(topic, value=b"too late")
    with pytest.raises(KafkaException):
        first.commit_transaction(30)


def test_a_key_goes_where_java_clients_send_it(make_settings):
    """murmur2 of "21" modulo 16, as in Kafka's own UtilsTest: Flink and we agree on partitions."""
    kafka = make_settings(partitions=16).kafka
    admin.ensure_topics(kafka)
    topic = kafka.topics.detection_results.name
    placed = []
    out = producer(kafka, client_id="test")
    out.produce(topic, key=b"21", on_delivery=lambda _e, record: placed.append(record.partition()))
    assert out.flush(10) == 0
    assert placed == [(-973932308 & 0x7FFFFFFF) % 16]


def test_a_second_process_with_the_same_instance_id_fences_the_first(kafka):
    topic = kafka.topics.assessment_tasks.name
    first = consumer(kafka, group="tasks", instance_id="1")
    first.subscribe([topic])
    eventually(lambda: first.poll(0.1) or first.assignment())
    second = consumer(kafka, group="tasks", instance_id="1")
    second.subscribe([topic])
    record = eventually(lambda: second.poll(0.1) or first.poll(0.1))
    assert is_fatal(record.error())
    first.close()
    second.close()


def test_an_unknown_override_is_an_error_at_once(kafka):
    with pytest.raises(KafkaException, match=r"no\.such\.setting"):
        consumer(kafka, group="tasks", instance_id="1", no_such_setting=1)
