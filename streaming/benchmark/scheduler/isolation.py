"""Settings of one measurement: names, ports and keys that nothing else uses."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import ConsumerGroupState, KafkaError, KafkaException
from pydantic import SecretStr

from streaming.benchmark.scheduler.load import Load
from streaming.embedded.ports import LOOPBACK, any_free
from streaming.errors import KafkaUnreachable
from streaming.kafka.admin import ensure_topics
from streaming.kafka.clients import group_id
from streaming.kafka.connection import admin_client, patiently, result
from streaming.scheduling.worker import GROUP
from streaming.settings import ApiKey, KafkaSettings, Settings

METRICS_OFFSET = 2
"""The scheduler's metrics port lies so far above `serving.metrics.port`."""

_REQUEST_TIMEOUT_S = 15.0
_CREATE_TIMEOUT_S = 60.0
_FORGET_TIMEOUT_S = 20.0
_POLL_S = 0.2
_NO_FAULTS = {
    "error_rate": 0.0, "hang_rate": 0.0, "malformed_rate": 0.0, "slow_rate": 0.0, "dead_keys": (),
}  # fmt: skip


def isolated(settings: Settings, load: Load) -> Settings:
    """The same settings with topics, a group, keys and a simulator of its own."""
    port = any_free()
    median_s = settings.simulator.latency_median_ms / 1000
    scheduler = settings.scheduler
    keys = tuple(
        ApiKey(id=f"bench-{i}", key=SecretStr(f"b-{i}"), qps_limit=load.qps, rpm_limit=load.rpm)
        for i in range(load.keys)
    )
    return settings.model_copy(
        update={
            "kafka": prefixed(settings.kafka, f"bench-{uuid.uuid4().hex[:8]}-"),
            "api_keys": keys,
            "simulated": True,
            "provider": settings.provider.model_copy(
                update={"base_url": f"http://{LOOPBACK}:{port}/v1", "fallback_models": ()}
            ),
            "scheduler": scheduler.model_copy(
                update={
                    "max_concurrent_tasks": max(
                        scheduler.max_concurrent_tasks, load.concurrent(median_s)
                    ),
                    "queue_size": max(scheduler.queue_size, load.queue_size(median_s)),
                }
            ),
            "simulator": settings.simulator.model_copy(update={"port": port, **_NO_FAULTS}),
            "serving": settings.serving.model_copy(update={"host": LOOPBACK}),
        }
    )


def for_instance(settings: Settings, metrics_port: int) -> Settings:
    """The same with this port for its metrics."""
    metrics = settings.serving.metrics.model_copy(update={"port": metrics_port - METRICS_OFFSET})
    return settings.model_copy(
        update={"serving": settings.serving.model_copy(update={"metrics": metrics})}
    )


@contextmanager
def own_topics(kafka: KafkaSettings) -> Iterator[None]:
    """The topics, for the length of the block."""
    try:
        _create(kafka)
        yield
    finally:
        names = [topic.name for topic in kafka.topics.all()]
        client = admin_client(kafka)  # must live until the answers are there
        gone = client.delete_topics(names, operation_timeout=_REQUEST_TIMEOUT_S)
        for future in gone.values():
            future.exception(timeout=_REQUEST_TIMEOUT_S)


def _create(kafka: KafkaSettings) -> None:
    """A broker that has only just started, on busy cores, may need more than one request's time."""
    deadline = time.monotonic() + _CREATE_TIMEOUT_S
    while True:
        try:
            ensure_topics(kafka)
        except KafkaUnreachable:
            if time.monotonic() >= deadline:
                raise
        else:
            return


@contextmanager
def own_groups(kafka: KafkaSettings) -> Iterator[list[str]]:
    """A list of group names to add to; at the end the broker forgets them.

    It refuses while it believes in a member, and a static one that has ended is believed in
    until its session runs out.
    """
    groups: list[str] = []
    try:
        yield groups
    finally:
        client = admin_client(kafka)
        deadline = time.monotonic() + _FORGET_TIMEOUT_S
        while groups and time.monotonic() < deadline:
            gone = client.delete_consumer_groups(groups, request_timeout=_REQUEST_TIMEOUT_S)
            groups = [name for name, future in gone.items() if _is_held(future.exception())]
            time.sleep(_POLL_S if groups else 0.0)


def scheduling_group(kafka: KafkaSettings) -> str:
    """The schedulers' consumer group."""
    return group_id(kafka, GROUP)


def partitions_by_member(kafka: KafkaSettings) -> list[int]:
    """How many partitions each member of the group holds; empty while it is not settled."""
    name = scheduling_group(kafka)
    try:
        group = patiently(kafka, lambda client: result(client.describe_consumer_groups([name])))
    except KafkaUnreachable:
        return []  # the caller has a deadline of its own
    if group.state != ConsumerGroupState.STABLE:
        return []
    return [
        len(member.assignment.topic_partitions) if member.assignment else 0
        for member in group.members
    ]


def _is_held(error: BaseException | None) -> bool:
    return isinstance(error, KafkaException) and error.args[0].code() == KafkaError.NON_EMPTY_GROUP


def prefixed(kafka: KafkaSettings, prefix: str) -> KafkaSettings:
    """The same with topics and groups whose names begin so."""
    topics = {
        field: topic.model_copy(update={"name": prefix + topic.name})
        for field, topic in kafka.topics
    }
    return kafka.model_copy(
        update={
            "topics": kafka.topics.model_copy(update=topics),
            "consumer": kafka.consumer.model_copy(update={"group_id_prefix": prefix}),
        }
    )
