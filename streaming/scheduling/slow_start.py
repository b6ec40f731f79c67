"""How many calls may be under way: few after a rest, and while that is not enough one more every
5 ms. Pure.

Connections that are opened by the hundred delay the calls on them. A second later calls are
punctual, and come too close upon the late ones: of four instances that began with 1,000 calls/s
the provider refused 130 calls, of four that begin like this none. Doubling, as TCP does, made
bursts that came again every second.
"""

from math import inf

FIRST = 16
GROWS_EVERY_S = 0.005
REST_S = 55.0
"""Then the connections are closed, see `provider`."""


class SlowStart:
    """Times are seconds of one clock."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._room = min(FIRST, most)
        self._full_since = inf
        self._ended_at = inf

    def room(self, now: float) -> int:
        """The most calls that may be under way now."""
        if now >= self.grows_at:
            self._room += 1
            self._full_since = inf
        elif now - self._ended_at > REST_S:
            self._room = min(FIRST, self._most)
        return self._room

    @property
    def grows_at(self) -> float:
        """When there is more room without anything happening; infinite: then never."""
        return self._full_since + GROWS_EVERY_S if self._room < self._most else inf

    def started(self, now: float, under_way: int) -> None:
        """A call leaves, and so many are under way with it."""
        self._ended_at = inf
        if under_way >= self._room:
            self._full_since = min(self._full_since, now)

    def ended(self, now: float, under_way: int) -> None:
        """A call is over, and so many are left."""
        if under_way == 0:
            self._ended_at = now
