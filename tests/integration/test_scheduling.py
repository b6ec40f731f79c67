"""Tasks in, results out, on a real Kafka and Redis with the strict provider simulator."""

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.context import SpawnProcess
from typing import Any

import pytest
import redis
from confluent_kafka import Consumer, TopicPartition

from streaming import redis_keys
from streaming.kafka.admin import committed, ensure_topics, watermarks
from streaming.kafka.cameras import announce
from streaming.kafka.clients import producer, reader
from streaming.messages import AssessmentTask, RiskAssessment, decode, encode
from streaming.redis_client import connect
from streaming.scheduling.camera_notes import follow
from streaming.scheduling.stats import POOL, read_instances, scheduler_stats
from streaming.scheduling.worker import GROUP, run
from streaming.settings import Settings
from streaming.simulator.provider_app import Latency
from tests.builders import camera_command
from tests.provider_simulator import RunningSimulator, running, sim_keys
from tests.unit.scheduling.cases import a_task
from tests.waiting import eventually, eventually_async

PATIENCE_S = 60.0
TRACE = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Results:
    """Everything on the results topic, read from its beginning."""

    def __init__(self, settings: Settings) -> None:
        topic = settings.kafka.topics.risk_assessment_results
        self._consumer: Consumer = reader(settings.kafka)
        self._consumer.assign([TopicPartition(topic.name, p, 0) for p in range(topic.partitions)])
        self.all: list[RiskAssessment] = []
        self.traces: set[bytes] = set()

    def read(self) -> list[RiskAssessment]:
        for record in self._consumer.consume(num_messages=500, timeout=0.2):
            if record.error() is None:
                self.all.append(decode(record.value() or b"", RiskAssessment))
                self.traces.add(dict(record.headers() or ())["traceparent"].split(b"-")[1])
        return self.all

    def ids(self) -> set[str]:
        return {r.task_id for r in self.read()}

    def by_id(self) -> dict[str, RiskAssessment]:
        return {r.task_id: r for r in self.read()}

    def close(self) -> None:
        self._consumer.close()


def send(settings: Settings, *tasks: AssessmentTask) -> None:
    writer = producer(settings.kafka, client_id="test")
    for task in tasks:
        writer.produce(
            settings.kafka.topics.assessment_tasks.name,
            encode(task),
            key=task.message_id,
            headers=[("traceparent", TRACE)],
        )
    assert writer.flush(20) == 0


def send_raw(settings: Settings, *values: bytes) -> None:
    writer = producer(settings.kafka, client_id="test")
    for value in values:
        writer.produce(settings.kafka.topics.assessment_tasks.name, value, key=b"k")
    assert writer.flush(20) == 0


def with_scheduler(settings: Settings, **changes: Any) -> Settings:
    changed = settings.scheduler.model_copy(update=changes)
    return settings.model_copy(update={"scheduler": changed})


def total_calls(settings: Settings) -> int:
    client: redis.Redis = connect(settings.redis)
    fields = client.hgetall(redis_keys.key_stats(POOL))
    client.close()
    shown = scheduler_stats(read_instances(fields, datetime.now(UTC).timestamp()))
    return int(shown["total_calls"])


def all_committed(settings: Settings) -> bool:
    topic = settings.kafka.topics.assessment_tasks.name
    done = committed(settings.kafka, GROUP, [topic])
    ends = watermarks(settings.kafka, [topic])
    return all(done.get(p, 0) == high for p, (_, high) in ends.items() if high)


@contextmanager
def scheduler(settings: Settings, instance_id: str = "1") -> Iterator[SpawnProcess]:
    process = multiprocessing.get_context("spawn").Process(target=run, args=(settings, instance_id))
    process.start()
    try:
        yield process
    finally:
        if process.is_alive():
            process.kill()
        process.join(10)


@pytest.fixture
def provider() -> Iterator[RunningSimulator]:
    with running(sim_keys(3, qps=50, rpm=3000)) as simulator:
        yield simulator


@pytest.fixture
def settings(make_settings: Any, provider: RunningSimulator) -> Settings:
    made: Settings = provider.for_settings(make_settings())
    ensure_topics(made.kafka)
    return made


@pytest.fixture
def results(settings: Settings) -> Iterator[Results]:
    found = Results(settings)
    yield found
    found.close()


def patient(message_id: str, **kw: Any) -> AssessmentTask:
    """A task that does not expire while processes start on a busy machine."""
    return a_task(message_id, deadline_at=datetime.now(UTC) + timedelta(minutes=10), **kw)


def tasks(count: int) -> list[AssessmentTask]:
    return [patient(f"m-{i}") for i in range(count)]


def test_every_record_comes_to_its_one_end(settings, results, provider):
    client: redis.Redis = connect(settings.redis)
    client.set(redis_keys.image("here"), b"\xff\xd8" + b"0" * 1000)
    long_ago = datetime.now(UTC) - timedelta(minutes=5)
    stale = a_task("stale", captured_at=long_ago, created_at=long_ago, deadline_at=long_ago)
    plain = tasks(40)
    pictured = [patient("with", image_ref="here"), patient("gone", image_ref="expired")]
    send_raw(settings, b"", b"not json", b'{"taskId": 5}', b"\xff\xfe")
    send(settings, *plain, stale, *pictured, patient("twice"), patient("twice"))
    wanted = {t.task_id for t in (*plain, stale, *pictured)} | {"twice:0"}
    with scheduler(settings) as process:
        eventually(lambda: results.ids() == wanted, timeout_s=PATIENCE_S)
        eventually(lambda: all_committed(settings), timeout_s=PATIENCE_S)
        process.terminate()
        process.join(PATIENCE_S)
        assert process.exitcode == 0

    ends = results.by_id()
    assert {r.status for i, r in ends.items() if i != "stale:0"} == {"assessed"}
    assert all(ends[t.task_id].usage.prompt_tokens > 0 for t in plain)
    expired = ends["stale:0"]
    assert (expired.status, expired.risk_level, expired.attempts) == ("expired", "unknown", 0)
    assert expired.error is not None
    assert expired.error.type == "deadline"
    assert (ends["with:0"].image_used, ends["gone:0"].image_used) == (True, False)

    assert results.traces == {TRACE.split(b"-")[1]}

    stats = provider.stats()
    assert stats["http_429"] == 0
    assert stats["tasks"] == dict.fromkeys(wanted - {"stale:0"}, 1)
    dead = watermarks(settings.kafka, [settings.kafka.topics.assessment_tasks.name + ".dlq"])
    assert sum(high - low for low, high in dead.values()) == 4
    fields = client.hgetall(redis_keys.key_stats(POOL))
    shown = scheduler_stats(read_instances(fields, datetime.now(UTC).timestamp()))
    assert shown["total_calls"] >= 43  # a busy machine may time out a connect, which is no call
    assert shown["success_rate"] > 0.8
    client.close()


def test_kill_minus_9_loses_no_task_and_bills_no_finished_one_twice(
    make_settings, results, settings, provider
):
    provider.simulator.latency = Latency(150, 0.2)
    sent = tasks(120)
    send(settings, *sent)
    wanted = {t.task_id for t in sent}
    with scheduler(settings) as process:
        eventually(lambda: len(results.ids()) >= 25, timeout_s=PATIENCE_S)
        process.kill()
        process.join(10)
    finished = results.ids()
    answered_before = {t for t, n in provider.stats()["tasks"].items() if n}
    with scheduler(settings):
        eventually(lambda: results.ids() >= wanted, timeout_s=PATIENCE_S)
    answered = provider.stats()["tasks"]
    assert [t for t in finished if answered[t] != 1] == []
    assert answered_before >= finished
    assert {r.status for r in results.all} == {"assessed"}


FAULTS = [
    ({"html": True}, "unavailable"),
    ({"error_rate": 1.0}, "unavailable"),
    ({"down": True}, "unavailable"),
    ({"hang_rate": 1.0}, "timeout"),
    ({"slow_rate": 1.0}, "timeout"),
    ({}, None),
    ({"dead_keys": ("sim-1", "sim-2", "sim-3")}, "no_key"),
]


def test_each_fault_of_the_provider_ends_in_a_failure_that_names_it(settings, results, provider):
    settings = with_scheduler(settings, timeout_seconds=1.0, min_cooldown=0.1)
    with scheduler(settings):
        for i, (faults, type_) in enumerate(FAULTS):
            provider.break_it(**faults)
            task = patient(f"fault-{i}")
            if type_ == "no_key":
                task = a_task(f"fault-{i}", deadline_at=datetime.now(UTC) + timedelta(seconds=5))
            send(settings, task)
            ended = eventually(lambda t=task: results.by_id().get(t.task_id), timeout_s=PATIENCE_S)
            if type_ is None:
                assert ended.status == "assessed"
                continue
            assert (ended.status, ended.risk_level) == ("failed", "unknown"), faults
            assert ended.error is not None
            assert ended.error.type == type_, faults
            assert "secret-" not in ended.error.message


def test_a_running_call_is_finished_at_sigterm_and_the_rest_done_by_the_next(
    settings, results, provider
):
    provider.simulator.latency = Latency(1000, 0.01)
    sent = tasks(3)
    send(settings, *sent)
    with scheduler(with_scheduler(settings, max_concurrent_tasks=1)) as process:
        eventually(lambda: provider.stats()["task_ids"] >= 1, timeout_s=PATIENCE_S)
        process.terminate()
        process.join(PATIENCE_S)
        assert process.exitcode == 0
    before = provider.stats()
    assert len(results.ids()) == len(before["tasks"]) < 3
    provider.simulator.latency = Latency(5, 0.1)
    earlier = total_calls(settings)
    assert earlier >= len(before["tasks"])
    with scheduler(settings):
        eventually(lambda: results.ids() == {t.task_id for t in sent}, timeout_s=PATIENCE_S)
        total = earlier + 3 - len(before["tasks"])  # or more: a busy machine may time out a connect
        eventually(lambda: total_calls(settings) >= total, timeout_s=PATIENCE_S)
    assert provider.stats()["tasks"] == dict.fromkeys((t.task_id for t in sent), 1)


async def test_notes_of_a_camera_that_is_announced_while_it_runs_are_followed(settings):
    notes = {"gone": "of a camera that nobody has"}
    announce(settings.kafka, camera_command(camera_id="9", notes="a school"))
    following = asyncio.create_task(follow(settings, notes))
    await eventually_async(lambda: notes == {"9": "a school"})
    following.cancel()
