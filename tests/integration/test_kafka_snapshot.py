"""What topics hold at one moment is read from end to end, and then reading ends."""

import pytest

from streaming.kafka import admin, snapshot
from streaming.kafka.clients import producer


@pytest.fixture
def kafka(make_settings):
    settings = make_settings(partitions=3).kafka
    admin.ensure_topics(settings)
    return settings


def test_every_record_is_read_in_the_order_of_its_partition(kafka):
    topic = kafka.topics.detection_results.name
    out = producer(kafka, client_id="test")
    for number in range(300):
        out.produce(topic, value=b"%d" % number, partition=number % 2)
    assert out.flush(10) == 0
    values = [int(record.value()) for record in snapshot.records(kafka, [topic])]
    assert sorted(values) == list(range(300))
    for remainder in (0, 1):
        own = [value for value in values if value % 2 == remainder]
        assert own == sorted(own)


def test_empty_and_missing_topics_end_at_once(kafka):
    names = [kafka.topics.camera_control.name, "no-such-topic"]
    assert list(snapshot.records(kafka, names)) == []


def test_a_transactions_marker_at_the_end_is_not_waited_for(kafka):
    topic = kafka.topics.assessment_tasks.name
    out = producer(kafka, client_id="test", transactional_id="test-snapshot")
    out.init_transactions(30)
    out.begin_transaction()
    out.produce(topic, value=b"task", partition=0)
    out.commit_transaction(30)
    assert [record.value() for record in snapshot.records(kafka, [topic])] == [b"task"]
