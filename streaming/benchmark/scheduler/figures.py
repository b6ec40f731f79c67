"""From what was counted to what is reported. Pure."""

import statistics
from bisect import bisect_left
from collections.abc import Mapping, Sequence

Sample = tuple[float, int]
"""A moment in seconds, and how many there had been by then."""

Percentiles = dict[str, float]
"""Milliseconds, by p50, p95, p99."""

PERCENTILES = (50, 95, 99)


def percentiles(values: Sequence[float]) -> Percentiles | None:
    """{p50, p95, p99}, or None where there is nothing."""
    if not values:
        return None
    cuts = statistics.quantiles(values, n=100, method="inclusive") if len(values) > 1 else None
    return {f"p{q}": round(cuts[q - 1] if cuts else values[0], 1) for q in PERCENTILES}


def shares_of_even(calls: Mapping[str, int]) -> dict[str, float] | None:
    """The smallest and the largest part, 1 being an even one; None where there were no calls."""
    total = sum(calls.values())
    if not total:
        return None
    parts = [count * len(calls) / total for count in calls.values()]
    return {"min": round(min(parts), 3), "max": round(max(parts), 3)}


def most_within(samples: Sequence[Sample], span_s: float, since: float) -> int:
    """The largest rise within a window of at most `span_s` that begins at `since` or later.

    Only between samples: with one every tenth of a second, true to a tenth of a window.
    """
    most, first = 0, 0
    for at, count in samples:
        while samples[first][0] < max(since, at - span_s):
            first += 1
            if first == len(samples):
                return most
        if samples[first][0] <= at:
            most = max(most, count - samples[first][1])
    return most


def recovery_s(
    samples: Sequence[Sample], since: float, rate_per_s: float, span_s: float = 3.0
) -> float | None:
    """Seconds from `since` to the first `span_s` that have at least this rate; None if none has."""
    for at, _ in samples:
        begin = max(at, since)
        if at < since:
            continue
        if begin + span_s > samples[-1][0]:
            return None
        risen = _count_at(samples, begin + span_s) - _count_at(samples, begin)
        if risen >= rate_per_s * span_s:
            return round(begin - since, 2)
    return None


def _count_at(samples: Sequence[Sample], at: float) -> float:
    """How many by then, evenly between two samples."""
    index = bisect_left(samples, at, key=lambda sample: sample[0])
    if index == 0:
        return samples[0][1]
    (earlier, before), (later, after) = samples[index - 1], samples[min(index, len(samples) - 1)]
    if later == earlier:
        return after
    return before + (after - before) * (at - earlier) / (later - earlier)
