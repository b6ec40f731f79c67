"""`trafficmon dlq`: look at dead letters, and send them back to where they came from."""

from collections.abc import Iterator
from dataclasses import dataclass

from confluent_kafka import KafkaError, Message

from streaming.errors import TrafficmonError
from streaming.kafka import snapshot
from streaming.kafka.clients import producer
from streaming.kafka.dead_letters import REASON_HEADERS, SUFFIX
from streaming.settings import KafkaSettings

_FLUSH_S = 30.0


class NoSuchLetter(TrafficmonError):
    """The dead-letter topic does not hold this partition and offset (any more)."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message that was set aside: its place in the dead-letter topic, why, and its bytes."""

    topic: str
    partition: int
    offset: int
    reason: dict[str, str]
    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...]

    @property
    def place(self) -> str:
        """topic/partition/offset, as `dlq show` and `dlq replay` take it."""
        return f"{self.topic}/{self.partition}/{self.offset}"


def letters(kafka: KafkaSettings) -> Iterator[DeadLetter]:
    """Every dead letter there is now, oldest first in each partition.

    Raises:
        KafkaUnreachable: no broker answers, or it falls silent.
    """
    names = [t.name for t in kafka.topics.all() if t.name.endswith(SUFFIX)]
    for record in snapshot.records(kafka, names):
        yield _letter(record)


def letter(kafka: KafkaSettings, place: str) -> DeadLetter:
    """The dead letter at topic/partition/offset.

    Raises:
        NoSuchLetter: there is none.
    """
    for found in letters(kafka):
        if found.place == place:
            return found
    raise NoSuchLetter(f"no dead letter at {place}; `trafficmon dlq list` names what there is")


def replay(kafka: KafkaSettings, chosen: list[DeadLetter]) -> int:
    """Send letters back to their source topic with their key; returns how many arrived.

    Raises:
        KafkaRefused: we may not write to the topic.

    The letter itself stays until its retention ends, so a replay can be repeated.
    """
    out = producer(kafka, client_id="dlq-replay")
    arrived = 0

    def on_delivery(error: KafkaError | None, record: Message) -> None:
        nonlocal arrived
        arrived += error is None
        if error is not None:
            out.undelivered(record.topic() or "", error)

    for one in chosen:
        source = one.reason["source-topic"]
        out.produce(
            source, key=one.key, value=one.value, headers=list(one.headers), on_delivery=on_delivery
        )
    out.flush(_FLUSH_S)
    return arrived


def _letter(record: Message) -> DeadLetter:
    headers = tuple((n, v if isinstance(v, bytes) else b"") for n, v in record.headers() or ())
    return DeadLetter(
        topic=record.topic() or "",
        partition=record.partition() or 0,
        offset=record.offset() or 0,
        reason={n: v.decode(errors="replace") for n, v in headers if n in REASON_HEADERS},
        key=record.key(),
        value=record.value() or b"",
        headers=tuple((n, v) for n, v in headers if n not in REASON_HEADERS),
    )
