"""The guide's rolling restart by the units' own commands, under load: nothing lost, nothing twice."""

import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from streaming.kafka.admin import ensure_topics
from streaming.kafka.clients import group_id, reader
from streaming.messages import AssessmentTask, decode
from streaming.settings import Settings
from streaming.simulator.provider_app import Latency
from tests.integration.test_scheduling import PATIENCE_S, Results, patient, send
from tests.provider_simulator import running, sim_keys
from tests.systemd_units import Service, environment
from tests.waiting import eventually

SCHEDULERS = ("llm-scheduler-1", "llm-scheduler-2")
EVERY_S = 0.05


@contextmanager
def meanwhile(step: Any, every_s: float) -> Iterator[None]:
    """Repeat `step` in a thread of its own during the block; what it raises is raised at the end."""
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(every_s):
            step()

    with ThreadPoolExecutor(1) as pool:
        repeated = pool.submit(repeat)
        try:
            yield
        finally:
            ended.set()
        repeated.result(30)


class Seats:
    """Which schedulers have partitions, as the broker says, and whether one of them works."""

    def __init__(self, settings: Settings, services: dict[str, Service]) -> None:
        self._client = AdminClient({"bootstrap.servers": settings.kafka.bootstrap_servers})
        self._group = group_id(settings.kafka, "scheduling")
        self._services = services
        self.looks = 0
        self.empty: list[dict[str, int]] = []

    def owned(self) -> dict[str, int]:
        """Partitions by scheduler, of a group that is not sharing them out just now."""
        (asked,) = self._client.describe_consumer_groups([self._group]).values()
        found = asked.result(10)
        return {
            str(m.group_instance_id).replace("scheduling-", "llm-"): len(
                m.assignment.topic_partitions
            )
            for m in found.members
            if found.state.name == "STABLE" and m.assignment
        }

    def look(self) -> None:
        working = {name for name in SCHEDULERS if self._services[name].working}
        owned = self.owned()
        # One that was stopped while the broker answered counts as working: its seat is kept.
        if owned:
            self.looks += 1
            if not any(owned.get(name) for name in working):
                self.empty.append(owned)


def all_tasks(settings: Settings) -> list[str]:
    """The ids of everything on assessment-tasks, from its beginning to its end."""
    topic = settings.kafka.topics.assessment_tasks
    consumer: Consumer = reader(settings.kafka, enable_partition_eof=True)
    consumer.assign([TopicPartition(topic.name, p, 0) for p in range(topic.partitions)])
    found, ended = [], 0
    while ended < topic.partitions:
        for record in consumer.consume(500, 1.0):
            if record.error() is None:
                found.append(decode(record.value() or b"", AssessmentTask).task_id)
            else:
                ended += 1
    consumer.close()
    return found


@pytest.fixture
def services(make_settings: Any, tmp_path: Path) -> Iterator[Any]:
    with running(sim_keys(3, qps=50, rpm=3000), Latency(300, 0.2)) as provider, ExitStack() as end:
        settings = make_settings()
        ensure_topics(settings.kafka)
        environ = environment(settings, provider, tmp_path / "config")
        made = {}
        for name in (*SCHEDULERS, "trafficmon-tasks", "detection-pipeline"):
            made[name] = Service(f"{name}.service", environ, tmp_path)
            end.callback(made[name].kill)
        yield settings, provider, made


def test_a_rolling_restart_loses_nothing_and_judges_nothing_twice(services):
    settings, provider, units = services
    results, seats = Results(settings), Seats(settings, units)
    numbers = itertools.count()
    for unit in units.values():
        unit.start()
    eventually(lambda: len(seats.owned()) == 2 and all(seats.owned().values()), PATIENCE_S)
    load = meanwhile(lambda: send(settings, patient(f"load-{next(numbers)}")), EVERY_S)
    with load, meanwhile(seats.look, EVERY_S):
        eventually(lambda: len(results.ids()) > 20, PATIENCE_S)
        # The guide waits 30 s after each; the reason is what these wait for.
        for name in (*SCHEDULERS, "detection-pipeline"):
            units[name].restart()
            before = len(results.ids())
            eventually(lambda before=before: len(results.ids()) > before + 20, PATIENCE_S)
    for name in ("detection-pipeline", "trafficmon-tasks"):
        units[name].stop()
    wanted = Counter(all_tasks(settings))
    eventually(lambda: results.ids() == wanted.keys(), PATIENCE_S)
    for name in SCHEDULERS:
        units[name].stop()
    found = Counter(r.task_id for r in results.read())
    results.close()

    assert found == wanted
    assert {task.split("-")[0] for task in wanted} > {"load"}, "detection's own came too"
    assert {r.status for r in results.all} == {"assessed"}
    assert provider.stats()["task_ids_answered_twice"] == 0
    assert seats.looks > 20
    assert not seats.empty
