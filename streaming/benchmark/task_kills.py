"""kill -9, again and again under load: is every task there exactly once?"""

import contextlib
import multiprocessing
import subprocess
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from streaming.benchmark.flink_cluster import SessionCluster
from streaming.benchmark.report import Report
from streaming.benchmark.task_messages import messages
from streaming.benchmark.task_topics import own_settings
from streaming.errors import ServiceError
from streaming.kafka.admin import delete_topics, ensure_topics, wait_for_broker
from streaming.kafka.clients import producer as new_producer
from streaming.kafka.snapshot import records
from streaming.messages import AssessmentTask, decode
from streaming.settings import Settings
from streaming.tasks import flink, worker

_GROUPS = 2
_FINISH_S = 420.0
_LOOK_EVERY_S = 5.0
_SUBMIT_S = 180.0


class Victim(Protocol):
    """What is killed and comes back."""

    def kill(self) -> None: ...
    def start(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Load:
    """So many messages, evenly over `for_s`, and a kill every `every_s`."""

    count: int
    every_s: float
    for_s: float


def measure(settings: Settings, engine: str, load: Load, say: Callable[[str], None]) -> Report:
    """The load, then all the tasks, as a set.

    Raises:
        ServiceError: tasks are missing when there was time enough, or no broker.
    """
    wait_for_broker(settings.kafka)
    own = own_settings(settings, gate=False)
    ensure_topics(own.kafka)
    prefix = f"kill-{uuid.uuid4().hex[:16]}"
    try:
        with _python(own) if engine == "python" else _flink(own, say) as victim:
            kills = _under_load(own, victim, prefix, load)
            say(f"{kills} kills; waiting for the rest …")
            begun_s = time.monotonic()
            counts = _all_tasks(own, load.count * _GROUPS)
            took_s = time.monotonic() - begun_s
    finally:
        names = [t.name for t in own.kafka.topics.all()]
        delete_topics(own.kafka, names)
    wanted = {f"{prefix}-{n:012d}:{g}" for n in range(load.count) for g in range(_GROUPS)}
    result = {
        "engine": engine,
        "messages": load.count,
        "kills": kills,
        "tasks": counts.total(),
        "missing": len(wanted - counts.keys()),
        "foreign": len(counts.keys() - wanted),
        "twice": sum(n > 1 for n in counts.values()),
        "rest_took_s": round(took_s, 1),
    }
    return Report("kills", asdict(load), [result])


def _under_load(settings: Settings, victim: Victim, prefix: str, load: Load) -> int:
    kafka = settings.kafka
    producer = new_producer(kafka, client_id="bench")
    waiting = messages(load.count, prefix, datetime.now(UTC))
    begun_s, sent, kills = time.monotonic(), 0, 0
    while sent < load.count:
        elapsed_s = time.monotonic() - begun_s
        while sent < min(load.count, int(elapsed_s / load.for_s * load.count) + 1):
            key, value = next(waiting)
            producer.produce(kafka.topics.detection_results.name, value, key)
            sent += 1
        producer.poll(0.005)
        if elapsed_s >= (kills + 1) * load.every_s:
            victim.kill()
            victim.start()
            kills += 1
    if producer.flush(60):
        raise ServiceError("the broker did not take the messages")
    return kills


def _all_tasks(settings: Settings, wanted: int) -> Counter[str]:
    until_s = time.monotonic() + _FINISH_S
    topic = settings.kafka.topics.assessment_tasks.name
    while True:
        values = [record.value() or b"" for record in records(settings.kafka, [topic])]
        if len(values) >= wanted or time.monotonic() > until_s:
            return Counter(decode(value, AssessmentTask).task_id for value in values)
        time.sleep(_LOOK_EVERY_S)


class _Worker:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._context = multiprocessing.get_context("spawn")
        self.start()

    def start(self) -> None:
        self._process = self._context.Process(
            target=worker.run, args=(self._settings, "bench"), daemon=True
        )
        self._process.start()

    def kill(self) -> None:
        self._process.kill()
        self._process.join()


@contextlib.contextmanager
def _python(settings: Settings) -> Iterator[Victim]:
    victim = _Worker(settings)
    try:
        yield victim
    finally:
        victim.kill()


class _TaskManager:
    def __init__(self, cluster: SessionCluster) -> None:
        self.kill = cluster.kill_task_manager
        self.start = cluster.start_task_manager


@contextlib.contextmanager
def _flink(settings: Settings, say: Callable[[str], None]) -> Iterator[Victim]:
    flink.prepare(say)
    with SessionCluster(settings.state_dir.absolute() / "flink" / "cluster") as cluster:
        submission = flink.Submission("remote", cluster.address)
        job = flink.job_file(settings, submission)
        _submitted(flink.command(job, submission), flink.environment())
        yield _TaskManager(cluster)


def _submitted(words: list[str], environment: dict[str, str]) -> None:
    until_s = time.monotonic() + _SUBMIT_S
    while True:
        done: subprocess.CompletedProcess[Any] = subprocess.run(
            words, env=environment, capture_output=True, text=True, timeout=_SUBMIT_S, check=False
        )
        if done.returncode == 0:
            return
        if time.monotonic() > until_s:
            raise ServiceError(f"the job was not submitted: {done.stderr.strip()[-500:]}")
