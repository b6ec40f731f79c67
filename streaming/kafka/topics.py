"""The topics that settings ask for, made so without losing anything."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    NewPartitions,
    NewTopic,
    ResourceType,
    TopicMetadata,
)

from streaming.kafka.connection import POLL_S, REQUEST_TIMEOUT_S, patiently, result
from streaming.kafka.refusals import Right, using
from streaming.settings import KafkaSettings, Topic


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic after `ensure_topics`: what was done to it, and what still differs from settings."""

    name: str
    partitions: int
    replicas: int
    created: bool = False
    changes: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()


def ensure_topics(kafka: KafkaSettings) -> tuple[TopicState, ...]:
    """Create what is missing, add partitions, set retention and compaction; never shrink.

    Safe to run by several processes at once and again at any time.

    Raises:
        KafkaUnreachable: no broker answers, or it does not carry a change out.
    """
    wanted = {topic.name: topic for topic in kafka.topics.all()}
    return patiently(kafka, lambda client: _ensure(client, wanted))


def _ensure(client: AdminClient, wanted: Mapping[str, Topic]) -> tuple[TopicState, ...]:
    found = client.list_topics(timeout=REQUEST_TIMEOUT_S).topics
    created = _create(client, [t for name, t in wanted.items() if name not in found])
    # KRaft answers before its brokers know: those that read next must not miss a topic.
    found = _when_known(client, dict.fromkeys(wanted, 1))
    configs = _configs(client, [name for name in wanted if name not in created])
    states = tuple(
        TopicState(name, topic.partitions, topic.replication_factor, created=True)
        if name in created
        else _reconcile(client, topic, found[name], configs[name])
        for name, topic in wanted.items()
    )
    _when_known(client, {state.name: state.partitions for state in states})
    return states


def _create(client: AdminClient, topics: Sequence[Topic]) -> set[str]:
    """Create topics; return those that this call created, not those that another beat it to."""
    if not topics:
        return set()
    new = [
        NewTopic(
            topic.name,
            num_partitions=topic.partitions,
            replication_factor=topic.replication_factor,
            config=_wanted_config(topic),
        )
        for topic in topics
    ]
    created = set()
    for name, future in client.create_topics(new, operation_timeout=REQUEST_TIMEOUT_S).items():
        # A topic that we may not see looks as one that is not there.
        needed = Right("DESCRIBE", "topic", name, "or it is not there, and needs CREATE")
        try:
            with using(needed, replace(needed, kind="cluster")):
                future.result()
            created.add(name)
        except KafkaException as exc:
            if exc.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
    return created


def _when_known(client: AdminClient, partitions: Mapping[str, int]) -> dict[str, TopicMetadata]:
    """The brokers' view of all topics, once these have so many partitions, all with a leader."""
    deadline = time.monotonic() + REQUEST_TIMEOUT_S
    while True:
        found: dict[str, TopicMetadata] = client.list_topics(timeout=REQUEST_TIMEOUT_S).topics
        late = [n for n, count in partitions.items() if not _is_served(found.get(n), count)]
        if not late:
            return found
        if time.monotonic() >= deadline:
            reason = f"it does not serve {', '.join(late)}"
            raise KafkaException(KafkaError(KafkaError.REQUEST_TIMED_OUT, reason))
        time.sleep(POLL_S)


def _is_served(topic: TopicMetadata | None, partitions: int) -> bool:
    if topic is None or len(topic.partitions) < partitions:
        return False
    return all(partition.leader >= 0 for partition in topic.partitions.values())


def _reconcile(
    client: AdminClient, topic: Topic, metadata: TopicMetadata, config: Mapping[str, ConfigEntry]
) -> TopicState:
    """Bring one existing topic as near to its settings as can be done without losing data."""
    changes, drift = [], []
    have = len(metadata.partitions)
    if have < topic.partitions:
        with using(Right("ALTER", "topic", topic.name)):
            result(client.create_partitions([NewPartitions(topic.name, topic.partitions)]))
        changes.append(f"partitions {have} -> {topic.partitions}")
    elif have > topic.partitions:
        drift.append(
            f"{have} partitions, settings say {topic.partitions}; Kafka cannot take any away"
        )
    replicas = min((len(p.replicas) for p in metadata.partitions.values()), default=0)
    if replicas != topic.replication_factor:
        drift.append(f"replication factor {replicas}, settings say {topic.replication_factor}")
    if _limits_bytes(config) and not topic.compacted:
        size = config["retention.bytes"].value
        drift.append(f"retention.bytes {size} may delete before retention_ms")
    found = {name: config[name].value for name in _wanted_config(topic) if name in config}
    differing = {k: v for k, v in _wanted_config(topic).items() if found.get(k) != v}
    if differing:
        entries = [
            ConfigEntry(k, v, incremental_operation=AlterConfigOpType.SET)
            for k, v in differing.items()
        ]
        resource = ConfigResource(ResourceType.TOPIC, topic.name, incremental_configs=entries)
        with using(Right("ALTER_CONFIGS", "topic", topic.name)):
            result(client.incremental_alter_configs([resource]))
        changes += [f"{k} {found.get(k)} -> {v}" for k, v in differing.items()]
    return TopicState(
        topic.name,
        max(have, topic.partitions),
        replicas,
        changes=tuple(changes),
        drift=tuple(drift),
    )


def _wanted_config(topic: Topic) -> dict[str, str]:
    if topic.compacted:
        return {"cleanup.policy": "compact"}
    return {"cleanup.policy": "delete", "retention.ms": str(topic.retention_ms)}


def _limits_bytes(config: Mapping[str, ConfigEntry]) -> bool:
    """Whether somebody gave this topic a limit of bytes; the broker's own is its disk's guard."""
    entry = config.get("retention.bytes")
    of_the_topic = ConfigSource.DYNAMIC_TOPIC_CONFIG.value
    return entry is not None and entry.source == of_the_topic and int(entry.value) >= 0


def _configs(client: AdminClient, topics: Sequence[str]) -> dict[str, dict[str, ConfigEntry]]:
    if not topics:
        return {}
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in topics]
    futures = client.describe_configs(resources, request_timeout=REQUEST_TIMEOUT_S)
    found = {}
    for resource, future in futures.items():
        with using(Right("DESCRIBE_CONFIGS", "topic", resource.name)):
            found[resource.name] = future.result()
    return found


def delete_topics(kafka: KafkaSettings, names: Sequence[str]) -> None:
    """Delete topics, those that are there.

    Raises:
        KafkaUnreachable: no broker answers.
    """

    def delete(client: AdminClient) -> None:
        gone = client.delete_topics(list(names), operation_timeout=REQUEST_TIMEOUT_S)
        for name, future in gone.items():
            try:
                with using(Right("DELETE", "topic", name)):
                    future.result()
            except KafkaException as exc:
                if exc.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise

    patiently(kafka, delete)
