"""Everything that some topics hold at this moment, read once from end to end."""

from collections.abc import Iterable, Iterator

from confluent_kafka import KafkaError, Message, TopicPartition

from streaming.errors import KafkaUnreachable
from streaming.kafka import admin
from streaming.kafka.clients import reader
from streaming.settings import KafkaSettings

_SILENCE_S = 30.0
_PARTITION_EOF = KafkaError._PARTITION_EOF  # noqa: SLF001  (it has no public name)


def records(kafka: KafkaSettings, topics: Iterable[str]) -> Iterator[Message]:
    """Each record that lay on the topics when this was called, in order within a partition.

    Raises:
        KafkaUnreachable: no broker answers, or it falls silent for 30 s.
    """
    marks = admin.watermarks(kafka, topics)
    ends = {place: high for place, (low, high) in marks.items() if high > low}
    consumer = reader(kafka, enable_partition_eof=True)
    try:
        # With no offset given, the group's coordinator would be asked for one, and be slow on a
        # broker that has had no group yet.
        consumer.assign([TopicPartition(t, p, marks[t, p][0]) for t, p in ends])
        while ends:
            record = consumer.poll(_SILENCE_S)
            if record is None:
                raise KafkaUnreachable(
                    f"{kafka.bootstrap_servers} (kafka.bootstrap_servers) stopped answering"
                )
            place = (record.topic() or "", record.partition() or 0)
            error = record.error()
            if error is None and place in ends:
                yield record
            elif error is not None and error.code() != _PARTITION_EOF:
                raise KafkaUnreachable(
                    f"{kafka.bootstrap_servers} (kafka.bootstrap_servers): {error.str()}"
                )
            # The last offset may be a transaction's marker, which is never delivered.
            if error is not None or (record.offset() or 0) + 1 >= ends.get(place, 0):
                ends.pop(place, None)
    finally:
        consumer.close()
