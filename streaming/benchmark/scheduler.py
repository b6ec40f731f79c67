"""How much of the keys' limits the scheduler uses, and what it adds to a call.

Real Kafka and Redis (those of the settings, on topics of its own), the strict simulator and
the scheduler in a process each. The simulator's own count is what is reported.
"""

import json
import multiprocessing
import statistics
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from pydantic import SecretStr

from streaming.benchmark.report import Report
from streaming.embedded.ports import any_free
from streaming.errors import ServiceError
from streaming.images import ImageStore
from streaming.kafka.admin import ensure_topics, wait_for_broker
from streaming.kafka.clients import producer, reader
from streaming.messages import (
    AssessmentTask,
    Detection,
    RiskAssessment,
    Spatial,
    decode,
    encode,
    task_id,
)
from streaming.redis_client import connect
from streaming.scheduling import worker
from streaming.settings import ApiKey, KafkaSettings, Settings
from streaming.simulator import provider

_IMAGE = b"\xff\xd8" + bytes(15_000)  # as large as a crop of a synthetic camera
_START_TIMEOUT_S = 60.0
_RAMP_S = 5.0
_LAST_RESULTS_S = 60.0


@dataclass(frozen=True, slots=True)
class Load:
    """Keys with their limits, and how long to ask for which share of what they allow."""

    keys: int = 10
    qps: float = 10.0
    rpm: int = 300
    duration_s: float = 66.0
    share: float = 1.1
    max_concurrent: int = 100

    @property
    def limit(self) -> float:
        """Calls a second that all keys allow."""
        return self.keys * min(self.qps, self.rpm / 60)


def measure(settings: Settings, load: Load) -> Report:
    """Offer tasks at `load.share` of the limit for `load.duration_s`, after a first one.

    Raises:
        ServiceError: Kafka or Redis is not there, or the scheduler assesses nothing.
    """
    wait_for_broker(settings.kafka)
    own = _settings(settings, load)
    ensure_topics(own.kafka)
    url = f"http://127.0.0.1:{own.simulator.port}/stats"
    try:
        with _process(provider.run, own), _process(worker.run, own) as pid:
            result = _run(own, load, url, psutil.Process(pid))
    finally:
        names = [topic.name for topic in own.kafka.topics.all()]
        AdminClient({"bootstrap.servers": own.kafka.bootstrap_servers}).delete_topics(names)
    return Report("scheduler", asdict(load), [result])


def _run(settings: Settings, load: Load, url: str, process: psutil.Process) -> dict[str, Any]:
    client = connect(settings.redis)
    image_ref = ImageStore(client, load.duration_s + 600).put(_IMAGE)
    client.close()
    ends = _Ends(settings.kafka)
    writer = producer(settings.kafka, client_id="bench")
    sent = _Sender(writer, settings.kafka.topics.assessment_tasks.name, image_ref)
    sent.send_one()
    ends.until(lambda: len(ends.found) >= 1, _START_TIMEOUT_S)
    cpu_begun, calls_begun, begun = _cpu_s(process), _calls(url), time.monotonic()
    steady: tuple[float, int] | None = None
    while (elapsed_s := time.monotonic() - begun) < load.duration_s:
        while sent.count - 1 < elapsed_s * load.limit * load.share:
            sent.send_one()
        if steady is None and elapsed_s >= _RAMP_S:
            steady = (time.monotonic(), _calls(url))
        ends.read(0.005)
    at, calls = time.monotonic(), _calls(url)
    cpu_s, rss = _cpu_s(process) - cpu_begun, process.memory_info().rss
    ends.until(lambda: len(ends.found) >= sent.count, _LAST_RESULTS_S)
    ends.close()
    since, before = steady or (begun, calls_begun)
    per_s = (calls - before) / (at - since)
    stats = _stats(url)
    return {
        "instances": 1,
        "offered_per_s": round(load.limit * load.share, 2),
        "calls_per_s": round(per_s, 2),
        "share_of_limit": round(per_s / load.limit, 4),
        "http_429": stats["http_429"],
        "success_rate": round(ends.assessed / sent.count, 4),
        "called_twice": stats["task_ids_answered_twice"],
        "added_latency_ms": ends.added_ms(),
        "cpu_ms_per_call": round(cpu_s * 1000 / max(1, calls - calls_begun), 3),
        "rss_mb": round(rss / 2**20),
    }


class _Sender:
    """Tasks of one group: a car and a pedestrian."""

    def __init__(self, writer: Producer, topic: str, image_ref: str) -> None:
        self.count = 0
        self._writer, self._topic, self._image_ref = writer, topic, image_ref
        self._run = uuid.uuid4().hex[:8]

    def send_one(self) -> None:
        message_id = f"bench-{self._run}-{self.count}"
        self.count += 1
        self._writer.produce(
            self._topic, encode(_task(message_id, self._image_ref)), key=message_id
        )
        self._writer.poll(0)


class _Ends:
    """Results as they come."""

    def __init__(self, kafka: KafkaSettings) -> None:
        topic = kafka.topics.risk_assessment_results
        self.found: dict[str, RiskAssessment] = {}
        self._consumer: Consumer = reader(kafka)
        self._consumer.assign([TopicPartition(topic.name, p, 0) for p in range(topic.partitions)])

    @property
    def assessed(self) -> int:
        return sum(r.status == "assessed" for r in self.found.values())

    def read(self, timeout_s: float) -> None:
        for record in self._consumer.consume(num_messages=500, timeout=timeout_s):
            if record.error() is None:
                result = decode(record.value() or b"", RiskAssessment)
                self.found.setdefault(result.task_id, result)

    def until(self, enough: Callable[[], bool], timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while not enough():
            if time.monotonic() > deadline:
                raise ServiceError(f"only {len(self.found)} results; logs/scheduler.log says why")
            self.read(0.1)

    def added_ms(self) -> dict[str, float]:
        """End to end less the provider's time."""
        values = [
            r.latency.end_to_end_ms - r.latency.llm_ms
            for r in self.found.values()
            if r.status == "assessed"
        ]
        cuts = statistics.quantiles(values, n=100)
        return {f"p{q}": round(cuts[q - 1], 1) for q in (50, 95, 99)}

    def close(self) -> None:
        self._consumer.close()


def _task(message_id: str, image_ref: str) -> AssessmentTask:
    now = datetime.now(UTC)
    objects = (
        Detection(1, "car", 2, 0.9, (100.0, 100.0, 180.0, 150.0)),
        Detection(2, "person", 0, 0.8, (185.0, 100.0, 200.0, 150.0)),
    )
    return AssessmentTask(
        task_id=task_id(message_id, 0),
        message_id=message_id,
        camera_id="bench",
        group_index=0,
        group_count=1,
        captured_at=now,
        created_at=now,
        deadline_at=now + timedelta(minutes=5),
        priority=50,
        objects=objects,
        xyxy=(88.0, 88.0, 212.0, 162.0),
        frame_size=(640, 360),
        spatial=Spatial(2.0, 52.0, 52.0, 52.0),
        surrogate_risk=0.8,
        image_ref=image_ref,
    )


def _settings(settings: Settings, load: Load) -> Settings:
    """Topics, group, keys and ports of the benchmark's own."""
    prefix = f"bench-{uuid.uuid4().hex[:8]}-"
    port, metrics_port = any_free(), any_free()
    topics = {
        field: topic.model_copy(update={"name": prefix + topic.name})
        for field, topic in settings.kafka.topics
    }
    kafka = settings.kafka.model_copy(
        update={
            "topics": settings.kafka.topics.model_copy(update=topics),
            "consumer": settings.kafka.consumer.model_copy(update={"group_id_prefix": prefix}),
        }
    )
    keys = tuple(
        ApiKey(id=f"bench-{i}", key=SecretStr(f"b-{i}"), qps_limit=load.qps, rpm_limit=load.rpm)
        for i in range(load.keys)
    )
    metrics = settings.serving.metrics.model_copy(update={"port": metrics_port})
    base_url = f"http://127.0.0.1:{port}/v1"
    return settings.model_copy(
        update={
            "kafka": kafka,
            "api_keys": keys,
            "provider": settings.provider.model_copy(update={"base_url": base_url}),
            "scheduler": settings.scheduler.model_copy(
                update={"max_concurrent_tasks": load.max_concurrent}
            ),
            "simulator": settings.simulator.model_copy(update={"port": port}),
            "serving": settings.serving.model_copy(
                update={"host": "127.0.0.1", "metrics": metrics}
            ),
        }
    )


@contextmanager
def _process(run: Callable[[Settings, str], None], settings: Settings) -> Iterator[int]:
    """A daemon for the length of the block."""
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=run, args=(settings, "bench"), daemon=True)
    process.start()
    try:
        yield process.pid or 0
    finally:
        process.terminate()
        process.join(10)
        if process.is_alive():
            process.kill()
            process.join()


def _stats(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own simulator
        found: dict[str, Any] = json.load(answer)
        return found


def _calls(url: str) -> int:
    return int(_stats(url)["calls"])


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
