"""From a real broker into a lake: every message once, whatever happens meanwhile."""

import pickle
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from streaming.kafka import admin, clients
from streaming.lake import LakeUnavailable, ask, opened, source
from streaming.lake.backfill import backfill
from streaming.lake.falling_behind import falling_behind
from streaming.lake.ingest import ingest
from streaming.lake.schema import ensure_schema
from streaming.lake.streams import ASSESSMENT_STREAM, DETECTION_STREAM, STREAMS, TASK_STREAM
from streaming.lake.upkeep import tidy
from streaming.messages import encode
from tests.builders import assessment_task, detection_result, risk_assessment
from tests.waiting import eventually

START = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def settings(make_settings):
    settings = make_settings()
    admin.ensure_topics(settings.kafka)
    return settings


def send(settings, topic, values):
    producer = Producer({"bootstrap.servers": settings.kafka.bootstrap_servers})
    for n, value in enumerate(values):
        producer.produce(topic.name, value, key=str(n % 10))
        producer.poll(0)
    assert producer.flush(30) == 0


def frames(first, last):
    return [
        encode(
            detection_result(
                message_id=f"m{n}",
                camera_id=str(n % 10),
                captured_at=START + timedelta(minutes=n),
            )
        )
        for n in range(first, last)
    ]


def bring(settings, *streams):
    with opened(settings) as con:
        ensure_schema(con)
        return [ingest(con, settings.kafka, stream) for stream in streams]


def column(settings, query):
    return [row[0] for row in ask(settings, query).rows]


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
    eventually(lambda: not source.topic_ends(settings.kafka, [topic.name]), 30)
    eventually(lambda: created_again(settings, topic), 30)
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


def test_two_ingestions_of_one_stream_at_once_bring_each_message_once(settings, monkeypatch):
    monkeypatch.setattr(source, "BATCH_MESSAGES", 200)
    monkeypatch.setattr(source, "_FETCH_MESSAGES", 200)
    send(settings, settings.kafka.topics.detection_results, frames(0, 2_000))
    with opened(settings) as con:
        ensure_schema(con)
    brought, failures = [], []

    def run():
        try:
            brought.append(bring(settings, DETECTION_STREAM)[0].messages)
        except Exception as exc:  # noqa: BLE001 - handed to the test
            failures.append(exc)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    assert failures == []
    assert sum(brought) == 2_000
    ids = column(settings, "SELECT message_id FROM detections")
    assert sorted(ids) == sorted(f"m{n}" for n in range(2_000))


KILLS = [
    ("staged", 1),
    ("moved", 1),
    ("inserted", 2),
    ("+inserted", 1),
    ("+inserted", 3),
    ("committed", 1),
    ("+moved", 4),
    ("inserted", 4),
]


def test_without_its_row_in_ingestions_a_stream_is_not_ingested_and_that_is_told(settings):
    send(settings, settings.kafka.topics.detection_results, frames(0, 3))
    with opened(settings) as con:
        ensure_schema(con)
        con.execute("DELETE FROM ingestions WHERE stream = 'detections'")
        with pytest.raises(LakeUnavailable, match="row in the table ingestions"):
            ingest(con, settings.kafka, DETECTION_STREAM)
        assert con.execute("SELECT count(*) FROM detections").fetchone() == (0,)


def test_ingestion_killed_at_any_moment_loses_and_repeats_nothing(settings, tmp_path):
    topics = settings.kafka.topics
    everything = frames(0, 2_000)
    tasks = [encode(assessment_task(message_id=f"m{n}")) for n in range(1_000)]
    send(settings, topics.detection_results, everything)
    send(settings, topics.assessment_tasks, tasks)
    file = tmp_path / "settings"
    file.write_bytes(pickle.dumps(settings))

    for moment, nth in KILLS:
        kill_at(file, moment, nth)
    bring(settings, *STREAMS)

    ids = column(settings, "SELECT message_id FROM detections")
    assert sorted(ids) == sorted(f"m{n}" for n in range(2_000))
    objects = ask(settings, "SELECT message_id, object_id FROM detected_objects").rows
    assert sorted(objects) == sorted((f"m{n}", o) for n in range(2_000) for o in (0, 1))
    ids = column(settings, "SELECT message_id FROM tasks")
    assert sorted(ids) == sorted(f"m{n}" for n in range(1_000))
    assert column(settings, "SELECT 1 FROM ingestion_gaps") == []


def kill_at(settings_file, moment, nth):
    command = [sys.executable, "-m", "tests.integration.ingest_process", str(settings_file)]
    with subprocess.Popen([*command, moment, str(nth)], stdout=subprocess.PIPE, text=True) as run:
        watchdog = threading.Timer(120, run.kill)
        watchdog.start()
        run.stdout.readline()
        run.kill()
        watchdog.cancel()


@pytest.mark.parametrize("seed", [7])
def test_ingestion_killed_at_random_moments_loses_and_repeats_nothing(settings, tmp_path, seed):
    """Ten kills here; `trafficmon bench lake-kills` does hundreds."""
    from streaming.benchmark.lake_kills import kill_often

    topics = settings.kafka.topics
    sent = []

    def send_some():
        begin = len(sent)
        sent.extend(f"m{n}" for n in range(begin, begin + 3_000))
        send(settings, topics.detection_results, frames(begin, len(sent)))
        verdicts = [encode(risk_assessment(message_id=name)) for name in sent[begin:]]
        send(settings, topics.risk_assessment_results, verdicts)

    send_some()
    assert kill_often(settings, send_some, kills=10, batch_messages=100, seed=seed) > 0
    bring(settings, *STREAMS)

    for table in ("detections", "assessments"):
        ids = column(settings, f"SELECT message_id FROM {table}")  # noqa: S608
        assert sorted(ids) == sorted(sent)
    assert column(settings, "SELECT 1 FROM ingestion_gaps") == []


def test_a_backfill_brings_what_the_lake_lost_and_nothing_twice(settings):
    topic = settings.kafka.topics.detection_results
    send(settings, topic, [*frames(0, 200), b"no message"])
    bring(settings, DETECTION_STREAM)
    with opened(settings) as con:
        con.execute("DELETE FROM detections WHERE message_id < 'm15'")
        con.execute("DELETE FROM detected_objects WHERE message_id < 'm15'")
    lost = 200 - len(column(settings, "SELECT 1 FROM detections"))
    send(settings, topic, frames(200, 250))

    with opened(settings) as con:
        first = backfill(con, settings.kafka, DETECTION_STREAM)
        second = backfill(con, settings.kafka, DETECTION_STREAM)

    assert (first.messages, second.messages) == (lost, 0)
    assert first.rows == {"detections": lost, "detected_objects": 2 * lost}
    ids = column(settings, "SELECT message_id FROM detections")
    assert sorted(ids) == sorted(f"m{n}" for n in range(200))
    assert len(column(settings, "SELECT 1 FROM rejected")) == 1
    assert bring(settings, DETECTION_STREAM)[0].messages == 50


def test_a_backfill_brings_a_verdicts_calls_with_it(settings):
    send(
        settings,
        settings.kafka.topics.risk_assessment_results,
        [encode(risk_assessment(message_id=f"m{n}")) for n in range(20)],
    )
    bring(settings, ASSESSMENT_STREAM)
    with opened(settings) as con:
        con.execute("DELETE FROM llm_calls WHERE task_id < 'm15'")
        lost = 20 - len(column(settings, "SELECT 1 FROM llm_calls"))
        first = backfill(con, settings.kafka, ASSESSMENT_STREAM)
        second = backfill(con, settings.kafka, ASSESSMENT_STREAM)

    assert (first.rows, second.rows) == (
        {"assessments": 0, "llm_calls": lost},
        {"assessments": 0, "llm_calls": 0},
    )
    assert lost > 0


def test_a_backfill_from_a_time_leaves_older_messages_alone(settings):
    topic = settings.kafka.topics.detection_results
    send(settings, topic, frames(0, 100))
    bring(settings, DETECTION_STREAM)
    with opened(settings) as con:
        con.execute("DELETE FROM detections")
        later = datetime.now(UTC) + timedelta(hours=1)
        none = backfill(con, settings.kafka, DETECTION_STREAM, since=later)
        all_of_them = backfill(con, settings.kafka, DETECTION_STREAM, since=START)

    assert (none.messages, all_of_them.messages) == (0, 100)


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


HALF_SEEN = """
SELECT (SELECT sum(object_count) FROM detections) - (SELECT count(*) FROM detected_objects),
       (SELECT count(*) FROM detections)
         - (SELECT messages FROM ingestions WHERE stream = 'detections'),
       (SELECT count(*) FROM detections) - (SELECT sum(next_offset) FROM ingested_offsets)
"""


def test_readers_see_whole_batches_and_no_error_while_they_come_and_the_lake_is_tidied(
    settings, monkeypatch
):
    monkeypatch.setattr(source, "BATCH_MESSAGES", 150)
    monkeypatch.setattr(source, "_FETCH_MESSAGES", 150)
    send(settings, settings.kafka.topics.detection_results, frames(0, 1_500))
    with opened(settings) as con:
        ensure_schema(con)
    done, seen, failures = threading.Event(), [], []

    def read():
        try:
            while not done.is_set():
                seen.append(ask(settings, HALF_SEEN).rows[0])
        except Exception as exc:  # noqa: BLE001 - handed to the test
            failures.append(exc)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    (brought,) = bring(settings, DETECTION_STREAM)
    for n in range(5):
        send(settings, settings.kafka.topics.detection_results, frames(1_500 + n, 1_501 + n))
        bring(settings, DETECTION_STREAM)
        with opened(settings) as con:
            tidy(con, keep=timedelta(minutes=1))
    done.set()
    for reader in readers:
        reader.join(60)

    assert brought.batches >= 5
    assert failures == []
    assert set(seen) <= {(0, 0, 0), (None, 0, None)}
