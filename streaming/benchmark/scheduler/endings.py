"""How the tasks of a measurement ended, and what the provider counted meanwhile."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from streaming.benchmark.scheduler.figures import Sample
from streaming.benchmark.scheduler.traffic import End, Ends, Sender
from streaming.benchmark.scheduler.truth import Truth


class Series:
    """The provider's accepted calls over time: a sample a call."""

    def __init__(self, truth: Truth) -> None:
        self.samples: list[Sample] = []
        self._truth = truth

    def __call__(self) -> None:
        """One more sample."""
        counts = self._truth.counts()
        self.samples.append((counts.at, counts.accepted))


def endings(sender: Sender, ends: Ends) -> dict[str, Any]:
    """Of all tasks sent: how many, how many have no end at all, how the others ended."""
    statuses = Counter(end.status for end in ends.found.values())
    errors = Counter(end.error.type for end in ends.found.values() if end.error is not None)
    return {
        "tasks": len(sender.sent),
        "lost": len(sender.sent.keys() - ends.found.keys()),
        "success_rate": round(statuses["assessed"] / len(sender.sent), 5),
        "statuses": dict(statuses),
        "errors": dict(errors),
    }


def served_again_s(
    found: Mapping[str, End], partition_of: Mapping[str, int], since_ms: int
) -> float | None:
    """Seconds until every partition had a result once more; None if one had none."""
    first: dict[int, int] = {}
    for end in found.values():
        if end.published_ms > since_ms:
            partition = partition_of[end.task_id]
            first[partition] = min(first.get(partition, end.published_ms), end.published_ms)
    if first.keys() != set(partition_of.values()):
        return None
    return round((max(first.values()) - since_ms) / 1000, 2)
