"""Flink and the Python worker: the same tasks, byte for byte but createdAt, and each of them once."""

import random
import re
from collections import Counter

import pytest

from streaming.kafka import admin
from streaming.kafka.snapshot import records
from streaming.messages import encode
from tests.integration import flink
from tests.integration.test_task_gate import scenes
from tests.integration.test_tasks import PARTITIONS, numbered, send, stepping
from tests.unit.tasks.messages import message
from tests.waiting import eventually

MESSAGES, MORE = 10_000, 2_000
PORTION = 500
WITHIN_S = 300
"""Flink starts four Python processes; on two busy cores that takes a minute."""


pytestmark = pytest.mark.needs("flink")


def outputs(settings):
    """What readers of committed messages see on the three topics: each message, and how often."""
    topics = settings.kafka.topics
    dead = topics.detection_results.name + ".dlq"
    names = (topics.assessment_tasks.name, topics.skipped_groups.name, dead)
    found = Counter()
    for record in records(settings.kafka, names):
        raw = re.sub(rb'"createdAt":"[^"]*"', b"", record.value() or b"")
        passing = {"traceparent", "failed-at", "source-topic"}
        headers = frozenset((n, v) for n, v in record.headers() if n not in passing)
        found[names.index(record.topic()), record.key(), raw, headers] += 1
    return found


def task_ids(found):
    ids = Counter()
    for (kind, _key, raw, _headers), times in found.items():
        if kind == 0:
            ids[re.search(rb'"taskId":"([^"]*)"', raw)[1].decode()] += times
    return ids


def recorded_and_fuzzed(count):
    """Frames of six cameras; of every tenth some bytes are damaged."""
    rng = random.Random(3)
    for n, (camera, raw) in enumerate(scenes(count)):
        if n % 10:
            yield camera, raw
            continue
        damaged = bytearray(raw)
        for _ in range(rng.randrange(1, 5)):
            at = rng.randrange(len(damaged))
            damaged[at : at + rng.randrange(3)] = rng.randbytes(rng.randrange(3))
        # One that names another camera belongs with that camera's, which its key denies.
        own = b'"cameraId":"%b"' % camera.encode()
        yield camera, bytes(damaged) if own in damaged else b"{" + bytes(damaged)
    yield from [("1", b""), ("2", b"null"), ("3", encode(message([], camera_id="3")))]


def test_both_write_the_same_and_python_goes_on_where_flink_stopped(make_settings):
    """Python sees everything on topics of its own; on others Flink does, and Python the rest."""
    alone, shared = (
        make_settings(partitions=PARTITIONS, TRAFFICMON_TASKS__GATE__REPEAT_AFTER_S="9")
        for _ in range(2)
    )
    values = list(recorded_and_fuzzed(MESSAGES + MORE))
    for settings in (alone, shared):
        admin.ensure_topics(settings.kafka)
        send(settings, values[:MESSAGES])
    with stepping(alone):
        wanted = _all_planned(alone)
        assert sum(wanted.values()) > MESSAGES
        with flink.running(shared):
            eventually(lambda: outputs(shared).total() >= wanted.total(), WITHIN_S)
        assert outputs(shared) == wanted
        for settings in (alone, shared):
            send(settings, values[MESSAGES:])
        with stepping(shared):
            assert _all_planned(shared) == _all_planned(alone)


def test_flink_goes_on_where_python_stopped_and_from_its_savepoint(make_settings):
    settings = make_settings(partitions=PARTITIONS, TRAFFICMON_TASKS__GATE__ENABLED="false")
    admin.ensure_topics(settings.kafka)
    send(settings, numbered(0, PORTION))
    with stepping(settings):
        eventually(lambda: outputs(settings).total() >= 2 * PORTION, WITHIN_S)
    send(settings, numbered(PORTION, 2 * PORTION))
    with flink.running(settings):
        eventually(lambda: outputs(settings).total() >= 4 * PORTION, WITHIN_S)
    send(settings, numbered(2 * PORTION, 3 * PORTION))
    with flink.running(settings, from_savepoint="latest"):
        eventually(lambda: outputs(settings).total() >= 6 * PORTION, WITHIN_S)
    ids = {f"m{n}:{g}": 1 for n in range(3 * PORTION) for g in (0, 1)}
    assert task_ids(outputs(settings)) == ids


def _all_planned(settings):
    """The outputs, once every message on the topic was planned."""
    source = settings.kafka.topics.detection_results.name
    ends = {p: high for p, (_, high) in admin.watermarks(settings.kafka, [source]).items()}
    eventually(lambda: admin.committed(settings.kafka, "tasks", [source]) == ends, WITHIN_S)
    return outputs(settings)
