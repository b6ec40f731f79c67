"""Where topics end, what groups have committed, and how far they are behind."""

from collections.abc import Iterable, Sequence

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from streaming.kafka import clients
from streaming.kafka.clients import group_id
from streaming.kafka.connection import REQUEST_TIMEOUT_S, patiently
from streaming.kafka.refusals import Right, concerns_a_right, using
from streaming.kafka.visible import existing
from streaming.settings import KafkaSettings

Partition = tuple[str, int]
"""Topic and number."""

_MOST_TOLD = 100


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
    name, names = group_id(kafka, group), set(topics)
    return patiently(kafka, lambda client: _committed(kafka, name, _visible(client, names)))


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
    positions, high = patiently(kafka, lambda client: _positions(kafka, client, prefix))
    return {
        (group.removeprefix(prefix), place): max(0, high.get(place, offset) - offset)
        for (group, place), offset in positions.items()
    }


def _positions(
    kafka: KafkaSettings, client: AdminClient, prefix: str
) -> tuple[dict[tuple[str, Partition], int], dict[Partition, int]]:
    """What the groups with this prefix have committed, and where those partitions end."""
    listed = client.list_consumer_groups(request_timeout=REQUEST_TIMEOUT_S).result()
    groups = [g.group_id for g in listed.valid if g.group_id.startswith(prefix)]
    ours = _visible(client, {topic.name for topic in kafka.topics.all()}) if groups else []
    positions = {
        (group, place): offset
        for group in groups
        for place, offset in _committed(kafka, group, ours).items()
    }
    partitions = sorted({place for _, place in positions})
    return positions, _offsets(client, partitions, OffsetSpec.latest())


def _visible(client: AdminClient, topics: Iterable[str]) -> list[Partition]:
    """The partitions of those that are there and that we may see."""
    found = client.list_topics(timeout=REQUEST_TIMEOUT_S).topics
    return [(t, p) for t in topics if t in found for p in found[t].partitions]


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


def _committed(
    kafka: KafkaSettings, group: str, partitions: Sequence[Partition]
) -> dict[Partition, int]:
    """Asked by a consumer that does not join.

    The same request of an AdminClient ends the process when the group's coordinator has just
    moved (https://github.com/confluentinc/librdkafka/issues/5040).
    """
    if not partitions:
        return {}
    asking: Consumer = clients.outsider(kafka, group)
    try:
        places = [TopicPartition(*place) for place in partitions]
        with using(Right("DESCRIBE", "group", group)):
            found = _answer(asking, places)
    finally:
        asking.close()
    return {(tp.topic, tp.partition): tp.offset for tp in found if tp.offset >= 0}


def _answer(asking: Consumer, places: list[TopicPartition]) -> list[TopicPartition]:
    try:
        found: list[TopicPartition] = asking.committed(places, timeout=REQUEST_TIMEOUT_S)
    except KafkaException:
        # A coordinator that refuses us is told as a record, and the request gets no answer.
        for record in asking.consume(_MOST_TOLD, timeout=0):
            if (error := record.error()) is not None and concerns_a_right(error):
                raise KafkaException(error) from None
        raise
    return found
