"""From a real broker into a lake: every message once."""

import pytest

from streaming.kafka import admin, clients
from streaming.lake import LakeUnavailable, ask, opened
from streaming.lake.ingest import ingest
from streaming.lake.schema import ensure_schema
from streaming.lake.streams import ASSESSMENT_STREAM, DETECTION_STREAM, TASK_STREAM
from streaming.messages import encode
from tests.builders import assessment_task, risk_assessment
from tests.integration.lake.topics_to_lake import bring, column, frames, send


def test_every_message_is_in_the_lake_once_and_the_next_run_brings_the_rest(settings):
    topic = settings.kafka.topics.detection_results
    send(settings, topic, frames(0, 500))
    (first,) = bring(settings, DETECTION_STREAM)
    send(settings, topic, frames(500, 700))
    (second,) = bring(settings, DETECTION_STREAM)
    (third,) = bring(settings, DETECTION_STREAM)

    assert (first.messages, second.messages, third.messages) == (500, 200, 0)
    assert first.rows == {"detections": 500, "detected_objects": 1_000}
    ids = column(settings, "SELECT message_id FROM detections")
    assert sorted(ids) == sorted(f"m{n}" for n in range(700))
    assert column(settings, "SELECT messages FROM ingestions WHERE stream = 'detections'") == [700]


def test_bytes_that_are_no_message_are_kept_with_place_and_reason(settings):
    topic = settings.kafka.topics.risk_assessment_results
    good = [encode(risk_assessment(message_id=f"m{n}")) for n in range(3)]
    send(settings, topic, [good[0], b"\x00\xffnot json", good[1], b'{"taskId": 1}', good[2]])

    (brought,) = bring(settings, ASSESSMENT_STREAM)

    assert (brought.messages, brought.rejected) == (5, 2)
    assert len(column(settings, "SELECT task_id FROM assessments")) == 3
    rejected = ask(settings, "SELECT topic, value, reason FROM rejected ORDER BY value").rows
    assert [(t, v) for t, v, _ in rejected] == [
        (topic.name, b"\x00\xffnot json"),
        (topic.name, b'{"taskId": 1}'),
    ]
    assert all(reason for *_, reason in rejected)
    assert bring(settings, ASSESSMENT_STREAM)[0].messages == 0


def test_a_topic_that_is_not_there_and_one_that_is_empty_bring_nothing(make_settings):
    settings = make_settings()
    assert bring(settings, DETECTION_STREAM)[0].messages == 0

    admin.ensure_topics(settings.kafka)
    assert bring(settings, DETECTION_STREAM)[0].messages == 0


def test_what_a_transaction_has_not_committed_waits_and_what_it_aborted_never_comes(settings):
    topic = settings.kafka.topics.assessment_tasks.name
    producer = clients.producer(settings.kafka, client_id="t", transactional_id="lake-test")
    producer.init_transactions(30)

    def write(*numbers):
        producer.begin_transaction()
        for n in numbers:
            producer.produce(topic, encode(assessment_task(message_id=f"m{n}")), key="k")
        producer.flush(30)

    def in_lake():
        bring(settings, TASK_STREAM)
        return column(settings, "SELECT message_id FROM tasks ORDER BY 1")

    write(1, 2)
    assert in_lake() == []
    producer.commit_transaction(30)
    assert in_lake() == ["m1", "m2"]
    write(3)
    producer.abort_transaction(30)
    write(4)
    assert in_lake() == ["m1", "m2"]
    producer.commit_transaction(30)
    assert in_lake() == ["m1", "m2", "m4"]
    assert bring(settings, TASK_STREAM)[0].messages == 0


def test_without_its_row_in_ingestions_a_stream_is_not_ingested_and_that_is_told(settings):
    send(settings, settings.kafka.topics.detection_results, frames(0, 3))
    with opened(settings) as con:
        ensure_schema(con)
        con.execute("DELETE FROM ingestions WHERE stream = 'detections'")
        with pytest.raises(LakeUnavailable, match="row in the table ingestions"):
            ingest(con, settings.kafka, DETECTION_STREAM)
        assert con.execute("SELECT count(*) FROM detections").fetchone() == (0,)
