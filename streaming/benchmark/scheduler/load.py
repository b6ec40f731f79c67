"""What is asked for: keys with their limits, for how long, and what follows from that. Pure."""

from dataclasses import dataclass
from math import ceil
from typing import Literal

Arrivals = Literal["even", "poisson"]
Scenario = Literal["steady", "faults", "outage", "kill"]

MINUTE_S = 60.0
_RAMP_S = 5.0
_WAIT_S = 2.0
_MOST_OUTSTANDING = 4_000
_MOST_CONCURRENT = 2_000
_CONCURRENCY_MARGIN = 2.5
_LATENCY_PART = 3
_LATENCY_AT_LEAST_S, _LATENCY_AT_MOST_S = 2.0, 60.0
_QUEUE_MARGIN = 1.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Keys with their limits, numbers of instances, and how long (s) full load is measured.

    `latency_at`: shares of the limit, in per cent, at which the added latency is measured.
    """

    keys: int = 10
    qps: float = 10.0
    rpm: int = 300
    instances: tuple[int, ...] = (1,)
    duration_s: float = 60.0
    latency_at: tuple[int, ...] = (50, 80)
    arrivals: Arrivals = "even"
    image_bytes: int = 15_000
    scenario: Scenario = "steady"

    @property
    def limit_per_s(self) -> float:
        """Calls a second that all keys allow."""
        return self.keys * min(self.qps, self.rpm / MINUTE_S)

    @property
    def rpm_bound(self) -> bool:
        """Whether the minute's limit is the narrower one."""
        return self.rpm / MINUTE_S < self.qps

    @property
    def warm_up_s(self) -> float:
        """Full load before it is measured: a rolling minute where the minute limits."""
        return MINUTE_S if self.rpm_bound and self.duration_s >= MINUTE_S else _RAMP_S

    @property
    def measured_s(self) -> float:
        """The duration; where the minute limits, in whole minutes.

        What a rolling minute allows is then an upper bound of what k minutes can hold, and no
        burst at one end of them can lift the share above 1.
        """
        if self.rpm_bound and self.duration_s >= MINUTE_S:
            return self.duration_s // MINUTE_S * MINUTE_S
        return self.duration_s

    @property
    def latency_s(self) -> float:
        """How long each share of `latency_at` lasts."""
        return min(max(self.duration_s / _LATENCY_PART, _LATENCY_AT_LEAST_S), _LATENCY_AT_MOST_S)

    def outstanding(self, latency_median_s: float) -> int:
        """Unfinished tasks that keep all keys busy, each of which waits about two seconds."""
        return min(ceil(self.limit_per_s * (latency_median_s + _WAIT_S)), _MOST_OUTSTANDING)

    def concurrent(self, latency_median_s: float) -> int:
        """Calls under way that one instance must be able to hold to do the whole rate alone."""
        wanted = ceil(self.limit_per_s * latency_median_s * _CONCURRENCY_MARGIN)
        return min(max(wanted, 1), _MOST_CONCURRENT)

    def queue_size(self, latency_median_s: float) -> int:
        """Tasks that one instance must hold to have some waiting beside those under way."""
        return ceil(self.concurrent(latency_median_s) * _QUEUE_MARGIN)


def spread(total: int, places: int) -> list[int]:
    """`total` over so many places, as evenly as whole numbers allow."""
    each, rest = divmod(total, places)
    return [each + (place < rest) for place in range(places)]
