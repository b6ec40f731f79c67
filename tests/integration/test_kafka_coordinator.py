"""A group's coordinator that moves while we ask what the group has committed."""

from confluent_kafka import KafkaError, TopicPartition

from streaming.kafka import admin
from streaming.kafka.clients import group_id, outsider
from tests import mock_broker
from tests.mock_broker import Api


def test_a_coordinator_that_moved_is_asked_for_again(make_settings):
    """librdkafka's AdminClient would end this process here, by SIGSEGV."""
    with mock_broker.started() as broker:
        kafka = make_settings(KAFKA_BOOTSTRAP_SERVERS=broker.address).kafka
        topic = kafka.topics.detection_results.name
        broker.create_topic(topic, 2)
        member = outsider(kafka, group_id(kafka, "tasks"))
        member.commit(offsets=[TopicPartition(topic, 1, 5)], asynchronous=False)
        member.close()
        broker.answer_once(Api.OFFSET_FETCH, KafkaError.NOT_COORDINATOR)
        assert admin.committed(kafka, "tasks", [topic]) == {(topic, 1): 5}
