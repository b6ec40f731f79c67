"""A strict provider's counters: rolling windows of a second and a minute, by arrival. Pure."""

from collections import deque
from dataclasses import dataclass, field
from typing import Literal

SECOND_S, MINUTE_S = 1.0, 60.0

Refusal = Literal["second", "minute"]


@dataclass(slots=True)
class RollingWindow:
    """Arrivals within the last `span_s`; `most` is the most that any window ever held."""

    span_s: float
    most: int = 0
    _arrivals: deque[float] = field(default_factory=deque)

    def count(self, now: float) -> int:
        """Arrivals in the window that ends now."""
        arrivals, begin = self._arrivals, now - self.span_s
        while arrivals and arrivals[0] <= begin:
            arrivals.popleft()
        return len(arrivals)

    def add(self, now: float) -> None:
        """An arrival now."""
        self.most = max(self.most, self.count(now) + 1)
        self._arrivals.append(now)


@dataclass(slots=True)
class AccountCounter:
    """One account's calls. Accepted ones fill the limits; all are counted for the truth."""

    qps: float
    rpm: int
    calls: int = 0
    accepted: int = 0
    refused: int = 0
    _limit_second: RollingWindow = field(default_factory=lambda: RollingWindow(SECOND_S))
    _limit_minute: RollingWindow = field(default_factory=lambda: RollingWindow(MINUTE_S))
    arrivals_second: RollingWindow = field(default_factory=lambda: RollingWindow(SECOND_S))
    arrivals_minute: RollingWindow = field(default_factory=lambda: RollingWindow(MINUTE_S))

    def arrive(self, now: float) -> Refusal | None:
        """Count a call; which limit refuses it, or None."""
        self.calls += 1
        self.arrivals_second.add(now)
        self.arrivals_minute.add(now)
        refusal: Refusal | None = None
        if self._limit_second.count(now) + 1 > max(1.0, self.qps):
            refusal = "second"
        elif self._limit_minute.count(now) + 1 > self.rpm:
            refusal = "minute"
        if refusal is None:
            self.accepted += 1
            self._limit_second.add(now)
            self._limit_minute.add(now)
        else:
            self.refused += 1
        return refusal

    def remaining(self, now: float) -> int:
        """Calls left of the minute's limit."""
        return max(0, self.rpm - self._limit_minute.count(now))
