"""The task worker on a real broker: exactly once, whatever happens to it."""

import contextlib
import pickle
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest
from confluent_kafka import Producer, TopicPartition

from streaming.kafka import admin, clients
from streaming.messages import AssessmentTask, decode, encode
from streaming.metrics import Metrics
from streaming.tasks.worker import TaskWorker
from tests.unit.tasks.messages import group, message
from tests.waiting import eventually

PORTION = 1_000
KILLS = 4
PARTITIONS = 4


@pytest.fixture
def settings(make_settings):
    """Every group a task, so that sets of tasks are easy to tell; the gate has its own tests."""
    settings = make_settings(partitions=PARTITIONS, TRAFFICMON_TASKS__GATE__ENABLED="false")
    admin.ensure_topics(settings.kafka)
    return settings


class Tail:
    """What read_committed readers see on a topic, from its beginning."""

    def __init__(self, settings, topic):
        self.records = []
        self._consumer = clients.reader(settings.kafka, topic_metadata_refresh_interval_ms=1_000)
        self._consumer.assign([TopicPartition(topic, p, 0) for p in range(PARTITIONS)])

    def read(self):
        found = self._consumer.consume(10_000, 0.1)
        self.records += [record for record in found if record.error() is None]
        return self.records

    def close(self):
        self._consumer.close()


@pytest.fixture
def tail(settings):
    tails = []

    def follow(topic):
        tails.append(Tail(settings, topic))
        return tails[-1]

    yield follow
    for each in tails:
        each.close()


def send(settings, values):
    """(camera id, bytes) each to detection-results."""
    servers = settings.kafka.bootstrap_servers
    # Idempotent, as detection is: a retry of another kind may change the order.
    producer = Producer({"bootstrap.servers": servers, "enable.idempotence": True})
    for camera_id, value in values:
        producer.produce(settings.kafka.topics.detection_results.name, value, camera_id)
        producer.poll(0)
    assert producer.flush(30) == 0


def numbered(first, last):
    """Messages with two groups each, ids m0, m1, …, from ten cameras."""
    for n in range(first, last):
        camera = str(n % 10)
        yield camera, encode(message([group(0), group(1)], message_id=f"m{n}", camera_id=camera))


@contextlib.contextmanager
def stepping(settings):
    """A worker in this process, for the length of the block."""
    made, stop = TaskWorker(settings, "1", Metrics()), threading.Event()
    made.open()
    thread = threading.Thread(target=lambda: [made.step() for _ in iter(stop.is_set, True)])
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)
        made.close()


@pytest.fixture
def worker(settings):
    """Steps a worker in this process until told to stop."""
    workers, stop = [], threading.Event()

    def start(instance_id="1", **overrides):
        made = TaskWorker(settings.model_copy(update=overrides), instance_id, Metrics())
        made.open()
        thread = threading.Thread(target=lambda: [made.step() for _ in iter(stop.is_set, True)])
        thread.start()
        workers.append((made, thread))
        return made

    yield start
    stop.set()
    for made, thread in workers:
        thread.join(30)
        made.close()


def test_every_group_becomes_one_task_with_its_message_as_key(settings, worker, tail):
    worker()
    send(settings, numbered(0, 50))
    tasks = tail(settings.kafka.topics.assessment_tasks.name)
    eventually(lambda: len(tasks.read()) >= 100)
    decoded = [decode(r.value(), AssessmentTask) for r in tasks.records]
    assert {t.task_id for t in decoded} == {f"m{n}:{g}" for n in range(50) for g in (0, 1)}
    assert all(
        r.key().decode() == t.message_id for r, t in zip(tasks.records, decoded, strict=True)
    )
    assert {name for name, _ in tasks.records[0].headers()} == {
        "content-type",
        "schema-version",
        "source",
        "traceparent",
    }


def test_bad_messages_are_set_aside_and_hold_up_nothing(settings, worker, tail):
    good = list(numbered(0, 3))
    contradiction = encode(message([group(0, (0, 99))], camera_id="1"))
    send(settings, [good[0], ("1", b"{no json"), ("1", contradiction), *good[1:]])
    worker()
    source = settings.kafka.topics.detection_results.name
    dead = tail(source + ".dlq")
    eventually(lambda: len(dead.read()) >= 2)
    tasks = tail(settings.kafka.topics.assessment_tasks.name)
    eventually(lambda: len(tasks.read()) >= 6)
    letters = {r.value(): dict(r.headers()) for r in dead.records}
    assert set(letters) == {b"{no json", contradiction}
    reason = letters[contradiction]
    assert b"member 99 is not among the detections" in reason["error"]
    assert (reason["stage"], reason["source-topic"]) == (b"tasks", source.encode())
    assert reason["source-partition"].isdigit()
    assert reason["source-offset"].isdigit()


def test_killed_again_and_again_every_task_comes_exactly_once(settings, tmp_path, tail):
    """kill -9 in the midst of the work; a reader of committed messages sees each id once."""
    pickled = tmp_path / "settings"
    pickled.write_bytes(pickle.dumps(settings))
    tasks = tail(settings.kafka.topics.assessment_tasks.name)
    portions = iter([numbered(n * PORTION, (n + 1) * PORTION) for n in range(2 * KILLS + 1)])
    process = _start(pickled)
    try:
        for kill in range(KILLS):
            seen = len(tasks.read())
            send(settings, next(portions))
            eventually(lambda seen=seen: len(tasks.read()) > seen)
            send(settings, next(portions))
            time.sleep(0.03 * kill)  # another moment of the transaction each time
            process.kill()
            process.wait()
            process = _start(pickled)
        # Only the last process can plan these: it has come far enough to heed a SIGTERM then.
        send(settings, next(portions))
        messages = PORTION * (2 * KILLS + 1)
        eventually(lambda: len(tasks.read()) >= 2 * messages, 90)
    finally:
        process.terminate()
        assert process.wait(30) == 0
    tasks.read()
    counts = Counter(decode(r.value(), AssessmentTask).task_id for r in tasks.records)
    assert counts == {f"m{n}:{g}": 1 for n in range(messages) for g in (0, 1)}


def test_a_second_worker_takes_over_without_losing_or_doubling(settings, worker, tail):
    worker("1")
    send(settings, numbered(0, 200))
    tasks = tail(settings.kafka.topics.assessment_tasks.name)
    eventually(lambda: len(tasks.read()) >= 100)
    worker("2")
    send(settings, numbered(200, 1_000))
    eventually(lambda: len(tasks.read()) >= 2_000)
    counts = Counter(decode(r.value(), AssessmentTask).task_id for r in tasks.records)
    assert counts == {f"m{n}:{g}": 1 for n in range(1_000) for g in (0, 1)}


def test_partitions_that_are_added_while_it_runs_are_read_too(settings, worker, tail):
    worker()
    send(settings, numbered(0, 100))
    tasks = tail(settings.kafka.topics.assessment_tasks.name)
    eventually(lambda: len(tasks.read()) >= 200)
    topics = settings.kafka.topics
    more = topics.detection_results.model_copy(update={"partitions": 2 * PARTITIONS})
    grown = topics.model_copy(update={"detection_results": more})
    admin.ensure_topics(settings.kafka.model_copy(update={"topics": grown}))
    # A producer of now knows them, and spreads keys over all of them.
    send(settings, numbered(100, 400))
    marks = admin.watermarks(settings.kafka, [topics.detection_results.name])
    assert any(high for (_, p), (_, high) in marks.items() if p >= PARTITIONS)
    eventually(lambda: len(tasks.read()) >= 800)
    counts = Counter(decode(r.value(), AssessmentTask).task_id for r in tasks.records)
    assert counts == {f"m{n}:{g}": 1 for n in range(400) for g in (0, 1)}


def _start(pickled):
    return subprocess.Popen([sys.executable, "-m", "tests.integration.task_process", pickled, "1"])
