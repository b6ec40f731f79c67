"""When the tasks of an open loop come. Pure."""

import random
from collections.abc import Iterator
from itertools import count

from streaming.benchmark.scheduler.load import Arrivals


def due_times_s(rate_per_s: float, arrivals: Arrivals, rng: random.Random) -> Iterator[float]:
    """Seconds from the beginning, without end: evenly spaced, or as independent events come."""
    if arrivals == "even":
        yield from (number / rate_per_s for number in count())
    at = 0.0
    while True:
        at += rng.expovariate(rate_per_s)
        yield at
