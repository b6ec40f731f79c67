"""How fast detections become tasks, exactly once: our worker, Flink, and Quix Streams.

Real Kafka (the one that runs, or one of its own; on topics of its own). Each engine gets the
same messages, already on the topic, in a process of its own; what is timed is from its first
tasks on the broker to its last. Then a tenth of that rate is sent to it, to see what it adds.
"""

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psutil

from streaming.benchmark.report import Report
from streaming.benchmark.scheduler import surroundings
from streaming.benchmark.scheduler.measure import interruptible
from streaming.benchmark.scheduler.surroundings import Say
from streaming.benchmark.task_latency import latency_ms
from streaming.benchmark.task_messages import messages
from streaming.benchmark.task_processes import engine_process
from streaming.benchmark.task_topics import own_settings
from streaming.errors import DownloadFailed, ServiceError
from streaming.kafka.admin import delete_topics, ensure_topics, watermarks
from streaming.kafka.clients import producer as new_producer
from streaming.kafka.snapshot import records
from streaming.settings import Settings

_START_TIMEOUT_S = 180.0
_STALL_S = 60.0
_LOOK_S = 0.05
_TASKS_EACH = 2
_WARM_UP_LATENCY_S = 1.0


@dataclass(frozen=True, slots=True)
class Run:
    """One engine's run: on whose topics, with how many messages."""

    engine: str
    messages: int
    gate: bool
    latency_s: float = 20.0


def measure(settings: Settings, *, count: int, engines: tuple[str, ...], say: Say) -> Report:
    """Every engine in turn; the Python worker also with its gate.

    Raises:
        ServiceError: no broker, and none can be started, or an engine plans nothing.
    """
    with (
        interruptible(),
        surroundings.own_folder(say) as folder,
        surroundings.broker(settings, folder, say) as here,
    ):
        results = list(_measured(here, count, engines, say))
    if not results:
        raise ServiceError("no engine could be measured")
    return Report("tasks", {"messages": count, "bytes": _size()}, results)


def _measured(
    settings: Settings, count: int, engines: tuple[str, ...], say: Say
) -> Iterator[dict[str, Any]]:
    runs = [Run(engine, count, gate=False) for engine in engines]
    if "python" in engines:
        runs.insert(1, Run("python", count, gate=True))
    say("warming the broker up …")  # whose Java compiles what it runs often: the first would pay
    _measure_one(settings, Run("bare", count, gate=False, latency_s=_WARM_UP_LATENCY_S), say)
    for run in runs:
        say(f"{run.engine}{' with its gate' if run.gate else ''} …")
        try:
            yield _measure_one(settings, run, say)
        except DownloadFailed as exc:
            say(f"{run.engine} is left out: {exc}")


def _measure_one(settings: Settings, run: Run, say: Say) -> dict[str, Any]:
    own = own_settings(settings, gate=run.gate)
    topic = own.kafka.topics.assessment_tasks.name
    ensure_topics(own.kafka)
    try:
        _fill(own, run.messages)
        with engine_process(run.engine, own, say) as process:
            rate, cpu_us = _rate(own, topic, process, run.messages)
            latency = latency_ms(own, per_s=max(50.0, rate / 10), for_s=run.latency_s)
        found = [record.value() for record in records(own.kafka, [topic])]
    finally:
        names = [t.name for t in own.kafka.topics.all()]
        delete_topics(own.kafka, names)
    return {
        "engine": run.engine,
        "gate": run.gate,
        "messages_per_s": round(rate),
        "latency_ms": latency,
        "cpu_us_per_message": round(cpu_us, 1),
        "tasks": len(found),
        "tasks_twice": len(found) - len(set(found)),
    }


def _rate(
    settings: Settings, topic: str, process: psutil.Process, count: int
) -> tuple[float, float]:
    """Messages a second, and CPU µs for each, over all but the first portion.

    Markers of transactions are offsets too: 16 for each of some sixty, 0.2 % of the tasks.
    """
    whole = count * _TASKS_EACH
    first = _wait(lambda: _written(settings, topic), lambda n: n > 0, _START_TIMEOUT_S)
    begun_s, cpu_begun_s, last, moved_s = time.monotonic(), _cpu_s(process), first, 0.0
    while True:
        written, now_s = _written(settings, topic), time.monotonic()
        if written > last:
            last, moved_s = written, now_s
        # What the gate leaves out never comes.
        if last >= whole or (last > whole * 0.5 and now_s - moved_s > 3.0):
            break
        if now_s - max(moved_s, begun_s) > _STALL_S:
            raise ServiceError(f"only {last} of {whole} tasks came; the log says why")
        time.sleep(_LOOK_S)
    planned = (last - first) / last * count
    return planned / (moved_s - begun_s), (_cpu_s(process) - cpu_begun_s) / planned * 1e6


def _wait(look: Callable[[], int], enough: Callable[[int], bool], timeout_s: float) -> int:
    until_s = time.monotonic() + timeout_s
    while not enough(value := look()):
        if time.monotonic() > until_s:
            raise ServiceError(f"no task within {timeout_s:g} s; the engine's log says why")
        time.sleep(_LOOK_S)
    return value


def _written(settings: Settings, topic: str) -> int:
    return sum(high for _, high in watermarks(settings.kafka, [topic]).values())


def _cpu_s(process: psutil.Process) -> float:
    """Of the process and all it started."""
    total = 0.0
    for each in [process, *process.children(recursive=True)]:
        try:
            times = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += float(times.user + times.system)
    return total


def _fill(settings: Settings, count: int) -> None:
    kafka = settings.kafka
    producer = new_producer(kafka, client_id="bench", linger_ms=50)
    for key, value in messages(count, f"fill-{uuid.uuid4().hex[:16]}", datetime.now(UTC)):
        while True:
            try:
                producer.produce(kafka.topics.detection_results.name, value, key)
                break
            except BufferError:
                producer.poll(0.1)
    if producer.flush(60):
        raise ServiceError("the broker did not take the benchmark's messages")


def _size() -> int:
    sizes = [len(value) for _, value in messages(500, "0" * 21, datetime.now(UTC))]
    return round(sum(sizes) / len(sizes))
