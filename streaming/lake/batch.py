"""Messages taken from Kafka and not yet in the lake: decoded, or rejected with a reason. Pure."""

from dataclasses import dataclass, field

from streaming.errors import BadMessage
from streaming.messages import Message, decode

MAX_KEPT_BYTES = 65_536
"""How much of a rejected value is kept: enough to recognise it, little enough to keep for ever."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """One message that the lake has no row for."""

    partition: int
    offset: int
    reason: str
    value: bytes


@dataclass(slots=True)
class Batch:
    """`next_offsets` is where the next batch goes on, by partition; `messages` counts them all.

    `values` are the bytes as they came, of messages that decode.
    """

    partitions: list[int] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    values: list[bytes] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    next_offsets: dict[int, int] = field(default_factory=dict)
    messages: int = 0
    size_bytes: int = 0

    def add(self, partition: int, offset: int, value: bytes, message_type: type[Message]) -> None:
        """Take one message in, in the order of its partition."""
        self.next_offsets[partition] = offset + 1
        self.messages += 1
        self.size_bytes += len(value)
        try:
            decode(value, message_type)
        except BadMessage as exc:
            self.reject(partition, offset, str(exc), value)
            return
        self.partitions.append(partition)
        self.offsets.append(offset)
        self.values.append(value)

    def reject(self, partition: int, offset: int, reason: str, value: bytes) -> None:
        """Set a message aside; it counts as read."""
        self.rejected.append(Rejected(partition, offset, reason, value[:MAX_KEPT_BYTES]))
