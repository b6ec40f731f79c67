"""Which offsets may be committed when messages end out of order. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Partition:
    committed: int
    next_offset: int
    # A dict as an ordered set: offsets start in rising order, so the first is the oldest.
    unfinished: dict[int, None] = field(default_factory=dict)

    @property
    def position(self) -> int:
        return next(iter(self.unfinished), self.next_offset)


class OffsetTracker:
    """Offsets started and done, by partition, of one topic.

    What may be committed never passes the oldest unfinished message of a partition, so a
    crash repeats messages but loses none. Offsets of a partition start in rising order, as
    Kafka delivers them; gaps (compaction, transaction markers) are fine.
    """

    def __init__(self) -> None:
        self._partitions: dict[int, _Partition] = {}

    @property
    def in_flight(self) -> int:
        """Messages started and not done."""
        return sum(len(state.unfinished) for state in self._partitions.values())

    def started(self, partition: int, offset: int) -> None:
        """A message was taken up. After a rewind, what came later starts anew."""
        state = self._partitions.get(partition)
        if state is None or offset < state.committed:
            state = self._partitions[partition] = _Partition(committed=offset, next_offset=offset)
        elif offset < state.next_offset:
            state.unfinished = {o: None for o in state.unfinished if o < offset}
        state.unfinished[offset] = None
        state.next_offset = offset + 1

    def reached(self, partition: int, offset: int) -> None:
        """Nothing before this offset is still to come: what lies there is never delivered.

        The markers that end transactions take offsets of their own; without this a topic
        that was read to its end would show a lag for ever.
        """
        state = self._partitions.get(partition)
        if state is not None:
            state.next_offset = max(state.next_offset, offset)

    def done(self, partition: int, offset: int) -> None:
        """A message ended. Nothing is noted for a partition revoked meanwhile."""
        state = self._partitions.get(partition)
        if state is not None:
            state.unfinished.pop(offset, None)

    def committable(self) -> dict[int, int]:
        """The next offset to read, for each partition that is past what `committed` was told."""
        return {
            partition: state.position
            for partition, state in self._partitions.items()
            if state.position > state.committed
        }

    def committed(self, offsets: Mapping[int, int]) -> None:
        """These are on the broker now; `committable` need not name them again."""
        for partition, offset in offsets.items():
            state = self._partitions.get(partition)
            if state is not None:
                state.committed = max(state.committed, offset)

    def revoked(self, partitions: Iterable[int]) -> None:
        """Forget partitions that another member has now; their unfinished messages go with them."""
        for partition in partitions:
            self._partitions.pop(partition, None)
