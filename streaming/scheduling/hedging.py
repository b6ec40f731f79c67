"""When a call that takes long is asked again with another key: the model's own P99. Pure.

"The Tail at Scale" (Dean and Barroso, 2013): a second request once the first takes longer than
nearly all do cuts the tail for a few per cent more requests.
"""

from collections import deque
from dataclasses import dataclass, field
from math import inf

_KEPT = 500
_ENOUGH = 50
_SORT_EVERY = 25
_MOST_SAVED = 5.0
_SLOW_SHARE = 0.1
_FEW_SLOW = 2


@dataclass(slots=True)
class _Times:
    """The last calls of one model, in seconds, and their P99."""

    took_s: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT))
    since_sorted: int = 0
    p99_s: float = inf

    def add(self, took_s: float) -> None:
        self.took_s.append(took_s)
        self.since_sorted += 1
        if len(self.took_s) >= _ENOUGH and self.since_sorted >= _SORT_EVERY:
            ordered = sorted(self.took_s)
            self.p99_s = ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
            self.since_sorted = 0


@dataclass(slots=True)
class Hedging:
    """Leave for second calls: at most `share` of all calls, none while the provider is slow.

    A call is overdue once it takes longer than `after_s`. With more than a tenth of the calls
    under way overdue it is not one key or one connection, and a second call would only add load.
    """

    share: float
    floor_s: float = 1.0
    overdue: int = 0
    _saved: float = 1.0
    _times: dict[str, _Times] = field(default_factory=dict)

    def after_s(self, model: str) -> float | None:
        """Seconds after which a call of this model is overdue; None: not known, or not wanted."""
        times = self._times.get(model)
        if times is None or times.p99_s == inf or self.share <= 0:
            return None
        return max(self.floor_s, times.p99_s)

    def took(self, model: str, took_s: float) -> None:
        """A call was answered after so long, or given up: then it would have taken longer."""
        self._times.setdefault(model, _Times()).add(took_s)

    def began(self) -> None:
        """A first call begins: a share of it is saved for second ones."""
        self._saved = min(self._saved + self.share, _MOST_SAVED)

    def may_hedge(self, in_flight: int) -> bool:
        """Whether an overdue call is asked again now; if so, it is paid for."""
        slow = self.overdue > max(_FEW_SLOW, _SLOW_SHARE * in_flight)
        if slow or self._saved < 1.0:
            return False
        self._saved -= 1.0
        return True
