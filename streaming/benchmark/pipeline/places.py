"""Find partitions that were not processed. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from streaming.benchmark.pipeline.ledger import Ledger
from streaming.messages import task_id

_LEFT = {"detection-results": 0.5, "assessment-tasks": 0.5, "risk-assessment-results": 0.95}
"""A partition of which more is left than this, while others are worked off, was dropped. Verdicts
that newer ones of their camera overtook are never shown: of them nearly all must be left."""


@dataclass(frozen=True, slots=True)
class Place:
    """One partition of a topic: `left` of its `came` messages led to nothing."""

    topic: str
    partition: int
    came: int
    left: int

    @property
    def share_left(self) -> float:
        return self.left / self.came


def places(ledger: Ledger) -> list[Place]:
    """Every partition on which something came, of the whole run."""
    known = ledger.tasks.keys() | ledger.tally.skipped_ids
    planned = {
        m: all(task_id(m, n) in known for n in range(f.groups)) for m, f in ledger.frames.items()
    }
    return [
        *_of("detection-results", [(f.partition, planned[m]) for m, f in ledger.frames.items()]),
        *_of(
            "assessment-tasks", [(t.partition, i in ledger.ends) for i, t in ledger.tasks.items()]
        ),
        *_of(
            "risk-assessment-results",
            [(e.partition, i in ledger.shown) for i, e in ledger.ends.items()],
        ),
    ]


def dropped(found: Iterable[Place]) -> list[Place]:
    """Partitions that nobody reads, or that were read only for a while.

    A topic of which everything is left has another trouble than a partition.
    """
    by_topic: dict[str, list[Place]] = {}
    for place in found:
        by_topic.setdefault(place.topic, []).append(place)
    return [place for topic in by_topic.values() for place in _dropped_of_one(topic)]


def _dropped_of_one(topic: list[Place]) -> list[Place]:
    bad = [place for place in topic if place.share_left > _LEFT[place.topic]]
    return bad if len(bad) < len(topic) else []


def _of(topic: str, seen: Iterable[tuple[int, bool]]) -> list[Place]:
    came: Counter[int] = Counter()
    left: Counter[int] = Counter()
    for partition, handled in seen:
        came[partition] += 1
        left[partition] += not handled
    return [Place(topic, p, came[p], left[p]) for p in sorted(came)]


def as_report(found: Iterable[Place]) -> list[Mapping[str, object]]:
    """Those with something left, for the report."""
    return [
        {"topic": p.topic, "partition": p.partition, "came": p.came, "left": p.left}
        for p in found
        if p.left
    ]
