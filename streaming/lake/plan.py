"""What an ingestion is to read: from the stored offsets to the ends seen at its start. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

RETENTION = "retention"
RECREATED = "topic recreated"


@dataclass(frozen=True, slots=True)
class TopicEnds:
    """A topic as the broker has it now: by partition, the oldest offset kept and the end.

    The end is the last stable offset: what open transactions hide is read next time.
    """

    topic: str
    topic_id: str
    ends: Mapping[int, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Span:
    """Offsets `start` to `end` (exclusive) of one partition."""

    partition: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Offsets gone before they were read; `next_offset` is None where their topic is gone."""

    topic: str
    partition: int
    first_offset: int
    next_offset: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Spans to read, empty ones left out, and what was found missing."""

    spans: tuple[Span, ...]
    gaps: tuple[Gap, ...]

    @property
    def waiting(self) -> int:
        """Offsets to read: the messages that wait, and some transaction markers."""
        return sum(span.end - span.start for span in self.spans)


def plan(now: TopicEnds, stored: Mapping[tuple[str, int], int]) -> Plan:
    """The spans to read; `stored` is the next offset by (topic id, partition).

    A partition never read begins at the oldest message kept: what was deleted before the
    lake first looked is not a gap.
    """
    spans, gaps = [], []
    for partition, (low, end) in sorted(now.ends.items()):
        position = stored.get((now.topic_id, partition), low)
        if position < low:
            gaps.append(Gap(now.topic, partition, position, low, RETENTION))
            position = low
        if position < end:
            spans.append(Span(partition, position, end))
    if not any(topic_id == now.topic_id for topic_id, _ in stored):
        gaps += [
            Gap(now.topic, partition, offset, None, RECREATED)
            for (_, partition), offset in sorted(stored.items())
        ]
    return Plan(tuple(spans), tuple(gaps))
