"""What one scheduler ended in the last five minutes, and the same over all of them. Pure.

Whoever looks at it (the alert sensors) needs no memory of its own, so one that was away for an
hour sees these five minutes and nothing older.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import msgspec

WINDOW_S = 300.0
SAMPLE_S = 10.0


class Counts(msgspec.Struct, frozen=True):
    """Tasks by how they ended, verdicts by the bucket of their latency, calls by key.

    `latency` has a count for each of `bounds_s` (verdicts up to it and above the one before), and
    one more for what is above the last. `calls` holds of each key (calls, those that failed).
    """

    ended: dict[str, int] = {}
    bounds_s: tuple[float, ...] = ()
    latency: tuple[int, ...] = ()
    calls: dict[str, tuple[int, int]] = {}

    def p95_s(self) -> float | None:
        """Interpolated within its bucket, as Prometheus does; None without a verdict.

        Above the last bound it is the last bound.
        """
        wanted, below = 0.95 * sum(self.latency), 0.0
        if not wanted:
            return None
        for count, (low, high) in zip(self.latency, pairwise((0.0, *self.bounds_s)), strict=False):
            if below + count >= wanted:
                return low + (high - low) * (wanted - below) / count
            below += count
        return self.bounds_s[-1]

    @property
    def verdicts(self) -> int:
        """Tasks that a model judged."""
        return sum(self.latency)

    def error_rate(self) -> float | None:
        """Tasks that expired or failed, of those that ended; None if none did."""
        ended = sum(self.ended.values())
        return (ended - self.ended.get("assessed", 0)) / ended if ended else None


class Recent:
    """Counts since the process began go in, those of the last five minutes come out."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, Counts]] = deque(maxlen=round(WINDOW_S / SAMPLE_S) + 1)

    def of(self, total: Counts, now: float) -> Counts:
        """What came since the oldest sample that is kept, at most five minutes ago."""
        if not self._samples or now - self._samples[-1][0] >= SAMPLE_S:
            self._samples.append((now, total))
        while now - self._samples[0][0] > WINDOW_S and len(self._samples) > 1:
            self._samples.popleft()
        return _less(total, self._samples[0][1])


def summed(counts: Iterable[Counts]) -> Counts:
    """Over all instances; one with other buckets than the first (another version) is left out."""
    found = list(counts)
    if not found:
        return Counts()
    found = [c for c in found if c.bounds_s == found[0].bounds_s]
    ended: dict[str, int] = {}
    calls: dict[str, tuple[int, int]] = {}
    for one in found:
        for status, count in one.ended.items():
            ended[status] = ended.get(status, 0) + count
        for key_id, (made, failed) in one.calls.items():
            before = calls.get(key_id, (0, 0))
            calls[key_id] = (before[0] + made, before[1] + failed)
    latency = tuple(map(sum, zip(*(c.latency for c in found), strict=True)))
    return Counts(ended, found[0].bounds_s, latency, calls)


def _less(total: Counts, before: Counts) -> Counts:
    return Counts(
        _minus(total.ended, before.ended),
        total.bounds_s,
        _subtracted(total.latency, before.latency),
        {
            key_id: (max(0, made - before.calls.get(key_id, (0, 0))[0]),
                     max(0, failed - before.calls.get(key_id, (0, 0))[1]))
            for key_id, (made, failed) in total.calls.items()
        },
    )  # fmt: skip


def _minus(total: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    return {name: count - before.get(name, 0) for name, count in total.items()}


def _subtracted(total: Sequence[int], before: Sequence[int]) -> tuple[int, ...]:
    return tuple(a - b for a, b in zip(total, before, strict=True))
