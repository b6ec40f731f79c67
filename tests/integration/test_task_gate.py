"""The gate in the worker: what a killed process decides and what an undisturbed one does is one."""

import logging
import pickle
import random
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from streaming.kafka import admin
from streaming.messages import AssessmentTask, SkippedGroups, decode, encode
from streaming.tasks.batch import plan_batch
from streaming.tasks.policy import policy_of
from tests.integration.test_tasks import PARTITIONS, Tail, send, stepping, worker  # noqa: F401
from tests.unit.tasks.messages import group, message, user
from tests.waiting import eventually

PORTION = 800
KILLS = 3
CAMERAS = 6


@pytest.fixture
def settings(make_settings):
    settings = make_settings(partitions=PARTITIONS, TRAFFICMON_TASKS__GATE__REPEAT_AFTER_S="9")
    admin.ensure_topics(settings.kafka)
    return settings


@pytest.fixture
def tail(settings):
    tails = []

    def follow(topic):
        tails.append(Tail(settings, topic.name))
        return tails[-1]

    yield follow
    for each in tails:
        each.close()


def scenes(count):
    """(camera, bytes) of frames whose two groups stand still, creep, and move on."""
    rng, began = random.Random(7), datetime.now(UTC)
    places = {str(c): [100.0, 300.0] for c in range(CAMERAS)}
    for n in range(count):
        camera = str(n % CAMERAS)
        for side in (0, 1):
            places[camera][side] += rng.choice([0.0, 0.0, 0.0, 2.0, 90.0])
            places[camera][side] %= 4000.0
        users, groups = [], []
        for side, x in enumerate(places[camera]):
            box, y = (x, 100.0 * side, x + 40, 100.0 * side + 30), 200.0
            users += [
                user(2 * side, "car", box),
                user(2 * side + 1, "car", (x + 45, y, x + 85, y + 30)),
            ]
            groups.append(group(side, (2 * side, 2 * side + 1), box=(x, 0.0, x + 85, y)))
        at = began + timedelta(seconds=1.8 * (n // CAMERAS))
        yield (
            camera,
            encode(message(groups, users, message_id=f"m{n}", camera_id=camera, captured_at=at)),
        )


class Record:
    def __init__(self, value, offset):
        self._value, self._offset = value, offset

    topic = key = lambda self: None
    partition = lambda self: 0  # noqa: E731
    value = lambda self: self._value  # noqa: E731
    offset = lambda self: self._offset  # noqa: E731
    headers = lambda self: None  # noqa: E731


def undisturbed(settings, values):
    """Task ids and skipped groups of one process that sees everything."""
    records = [Record(value, n) for n, (_, value) in enumerate(values)]
    batch = plan_batch(records, policy_of(settings), datetime.now(UTC), {}, {})
    tasks = {decode(value, AssessmentTask).task_id for _, value, _ in batch.tasks}
    return tasks, skips(value for _, value, _ in batch.notices)


def skips(raws):
    notices = [decode(raw, SkippedGroups) for raw in raws]
    return {(n.message_id, s.group_index, s.reason, s.like) for n in notices for s in n.skipped}


def _start(pickled):
    return subprocess.Popen([sys.executable, "-m", "tests.integration.task_process", pickled, "1"])


def test_killed_again_and_again_the_gate_decides_as_if_nothing_had_happened(
    settings, tmp_path, tail
):
    pickled = tmp_path / "settings"
    pickled.write_bytes(pickle.dumps(settings))
    tasks = tail(settings.kafka.topics.assessment_tasks)
    notices = tail(settings.kafka.topics.skipped_groups)
    values = list(scenes(PORTION * (KILLS + 2)))
    wanted, left_out = undisturbed(settings, values)
    assert min(len(wanted), len(left_out)) > PORTION / 2
    send(settings, values[:PORTION])
    process = _start(pickled)
    try:
        for kill in range(1, KILLS + 1):
            seen = len(tasks.read())
            eventually(lambda seen=seen: len(tasks.read()) > seen)
            send(settings, values[kill * PORTION : (kill + 1) * PORTION])
            process.kill()
            process.wait()
            process = _start(pickled)
        send(settings, values[(KILLS + 1) * PORTION :])
        eventually(lambda: len(tasks.read()) >= len(wanted), 90)
    finally:
        process.terminate()
        assert process.wait(30) == 0
    eventually(lambda: len(skips(r.value() for r in notices.read())) >= len(left_out))
    counts = Counter(decode(r.value(), AssessmentTask).task_id for r in tasks.read())
    assert counts == dict.fromkeys(wanted, 1)
    assert skips(r.value() for r in notices.records) == left_out


def test_a_partition_that_moves_takes_its_gate_along(settings, worker, tail):  # noqa: F811
    """A second worker takes half of the partitions: it knows what the first one sent."""
    tasks = tail(settings.kafka.topics.assessment_tasks)
    values = list(scenes(3 * PORTION))
    wanted, _ = undisturbed(settings, values)
    send(settings, values[:PORTION])
    worker("1")
    eventually(lambda: len(tasks.read()) > PORTION / 2)
    second = worker("2")
    send(settings, values[PORTION : 2 * PORTION])
    eventually(second._consumer.assignment)
    send(settings, values[2 * PORTION :])
    eventually(lambda: len(tasks.read()) >= len(wanted), 90)
    counts = Counter(decode(r.value(), AssessmentTask).task_id for r in tasks.read())
    assert counts == dict.fromkeys(wanted, 1)


def test_a_new_group_with_a_backlog_reads_what_was_sent_once_for_all_its_partitions(
    settings,
    worker,  # noqa: F811
    tail,
    caplog,
):
    caplog.set_level(logging.INFO, "streaming.tasks.recall")
    tasks = tail(settings.kafka.topics.assessment_tasks)
    values = list(scenes(2 * PORTION))
    wanted, _ = undisturbed(settings, values)
    send(settings, values)
    worker()
    eventually(lambda: len(tasks.read()) >= len(wanted))
    assert [r.message for r in caplog.records].count("gate recalled") == 1


def test_what_was_planned_without_any_offset_committed_is_not_planned_again(settings, tail):
    """Flink stopped before its first commit: here a worker whose group is not the next one's."""
    tasks = tail(settings.kafka.topics.assessment_tasks)
    values = list(scenes(2 * PORTION))
    wanted, left_out = undisturbed(settings, values)
    before, left_out_before = undisturbed(settings, values[:PORTION])
    send(settings, values[:PORTION])
    other = settings.kafka.consumer.model_copy(update={"group_id_prefix": "another"})
    elsewhere = settings.kafka.model_copy(update={"consumer": other})
    notices = tail(settings.kafka.topics.skipped_groups)

    def came(planned, skipped):
        eventually(lambda: len(tasks.read()) >= len(planned))
        eventually(lambda: len(skips(r.value() for r in notices.read())) >= len(skipped))

    with stepping(settings.model_copy(update={"kafka": elsewhere})):
        came(before, left_out_before)
    send(settings, values[PORTION:])
    with stepping(settings):
        came(wanted, left_out)
    counts = Counter(decode(r.value(), AssessmentTask).task_id for r in tasks.read())
    assert counts == dict.fromkeys(wanted, 1)
    assert skips(r.value() for r in notices.records) == left_out
