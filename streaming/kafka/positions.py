"""Where topics end, what groups have committed, and how far they are behind."""

from collections.abc import Iterable, Sequence

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from streaming.kafka.clients import group_id
from streaming.kafka.connection import REQUEST_TIMEOUT_S, patiently, result
from streaming.kafka.refusals import Right, using
from streaming.kafka.visible import existing
from streaming.settings import KafkaSettings

Partition = tuple[str, int]
"""Topic and number."""


def watermarks(kafka: KafkaSettings, topics: Iterable[str]) -> dict[Partition, tuple[int, int]]:
    """The oldest kept and the next offset of every partition; missing topics are left out.

    Raises:
        KafkaUnreachable: no broker answers.
    """
    names = sorted(set(topics))

    def read(client: AdminClient) -> dict[Partition, tuple[int, int]]:
        partitions = _partitions(client, names)
        low = _offsets(client, partitions, OffsetSpec.earliest())
        high = _offsets(client, partitions, OffsetSpec.latest())
        return {p: (low[p], high[p]) for p in partitions}

    return patiently(kafka, read)


def first_written_ms(kafka: KafkaSettings, topic: str) -> dict[int, int]:
    """When the oldest kept message of each partition was written; empty ones are left out.

    Raises:
        KafkaUnreachable: no broker answers.
    """

    def read(client: AdminClient) -> dict[int, int]:
        places = [TopicPartition(*place) for place in _partitions(client, [topic])]
        asked = dict.fromkeys(places, OffsetSpec.for_timestamp(0))
        futures = client.list_offsets(asked, request_timeout=REQUEST_TIMEOUT_S) if asked else {}
        found = {place.partition: future.result() for place, future in futures.items()}
        return {p: info.timestamp for p, info in found.items() if info.offset >= 0}

    return patiently(kafka, read)


def committed(kafka: KafkaSettings, group: str, topics: Iterable[str]) -> dict[Partition, int]:
    """The next offset that `<prefix>-<group>` will read, where it has committed one.

    Raises:
        KafkaUnreachable: no broker answers.
    """
    wanted = set(topics)
    offsets = patiently(kafka, lambda client: _committed(client, group_id(kafka, group)))
    return {p: offset for p, offset in offsets.items() if p[0] in wanted}


def lag(kafka: KafkaSettings) -> dict[tuple[str, str], int]:
    """Messages not yet committed, by group (without the prefix) and topic, of all our groups.

    On a topic written in transactions each partition may show 1 at rest: the marker that
    ends a transaction takes an offset and is never delivered.

    Raises:
        KafkaUnreachable: no broker answers.
    """
    total: dict[tuple[str, str], int] = {}
    for (group, (topic, _)), behind in lag_by_partition(kafka).items():
        total[group, topic] = total.get((group, topic), 0) + behind
    return total


def lag_by_partition(kafka: KafkaSettings) -> dict[tuple[str, Partition], int]:
    """The same by group and partition.

    Raises:
        KafkaUnreachable: no broker answers.
    """
    prefix = group_id(kafka, "")
    positions, high = patiently(kafka, lambda client: _positions(client, prefix))
    return {
        (group.removeprefix(prefix), place): max(0, high.get(place, offset) - offset)
        for (group, place), offset in positions.items()
    }


def _positions(
    client: AdminClient, prefix: str
) -> tuple[dict[tuple[str, Partition], int], dict[Partition, int]]:
    """What the groups with this prefix have committed, and where those partitions end."""
    listed = client.list_consumer_groups(request_timeout=REQUEST_TIMEOUT_S).result()
    groups = [g.group_id for g in listed.valid if g.group_id.startswith(prefix)]
    positions = {
        (group, place): offset
        for group in groups
        for place, offset in _committed(client, group).items()
    }
    partitions = _partitions(client, sorted({place[0] for _, place in positions}))
    return positions, _offsets(client, partitions, OffsetSpec.latest())


def _partitions(client: AdminClient, topics: Iterable[str]) -> list[Partition]:
    names = list(topics)
    found = existing(client, names)
    return [(t, p) for t in names if t in found for p in found[t].partitions]


def _offsets(
    client: AdminClient, partitions: Sequence[Partition], spec: OffsetSpec
) -> dict[Partition, int]:
    if not partitions:
        return {}
    asked = {TopicPartition(topic, partition): spec for topic, partition in partitions}
    futures = client.list_offsets(asked, request_timeout=REQUEST_TIMEOUT_S)
    found = {}
    for place, future in futures.items():
        with using(Right("DESCRIBE", "topic", place.topic)):
            found[place.topic, place.partition] = future.result().offset
    return found


def _committed(client: AdminClient, group: str) -> dict[Partition, int]:
    with using(Right("DESCRIBE", "group", group)):
        answer = result(client.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]))
    return {(tp.topic, tp.partition): tp.offset for tp in answer.topic_partitions if tp.offset >= 0}
