"""Who waits for a slot: a lane for each model and set of keys to avoid, in order of rank."""

import asyncio
import heapq
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import inf

from streaming.scheduling.limits import Slot


@dataclass(frozen=True, slots=True, order=True)
class Rank:
    """Higher priority first, then the earlier deadline."""

    minus_priority: int
    deadline: float

    @classmethod
    def of(cls, priority: int, deadline: float) -> "Rank":
        """Of a priority 0..100 and a deadline in seconds of the turnstile's clock."""
        return cls(-priority, deadline)


Waiter = tuple[int, float, int, "asyncio.Future[Slot]"]
"""Rank, then the order of coming: a tuple, for thousands a second are compared."""


@dataclass(slots=True)
class Lane:
    """Who waits for the same: a model, and any key but those to avoid; no slot before `ask_at`."""

    model: str
    avoid: frozenset[str]
    tokens: int = 0
    ask_at: float = -inf
    waiters: list[Waiter] = field(default_factory=list)

    def clear_of_the_late(self, now: float) -> bool:
        """Drop those who gave up or are too late at the head; False if nobody is left."""
        # Who is too late leaves by its own timer; a slot for it would be wasted.
        waiters = self.waiters
        while waiters and (waiters[0][3].done() or waiters[0][1] <= now):
            heapq.heappop(waiters)
        return bool(waiters)

    def grant(self, slot: Slot) -> None:
        """The most urgent waiter has this slot."""
        *_, granted = heapq.heappop(self.waiters)
        granted.set_result(slot)


class Lanes:
    """All who wait, in order of rank in each lane."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._lanes: dict[tuple[str, frozenset[str]], Lane] = {}

    @property
    def waiting(self) -> int:
        """How many have no slot yet."""
        return sum(not w[3].done() for lane in self._lanes.values() for w in lane.waiters)

    def join(
        self, granted: "asyncio.Future[Slot]", rank: Rank, model: str,
        avoid: frozenset[str], tokens: int,
    ) -> None:  # fmt: skip
        """Wait for `granted`; `tokens` is what calls of this lane take now."""
        lane = self._lanes.get((model, avoid))
        if lane is None:
            lane = self._lanes[model, avoid] = Lane(model, avoid)
        lane.tokens = tokens
        waiter = (rank.minus_priority, rank.deadline, next(self._numbers), granted)
        heapq.heappush(lane.waiters, waiter)

    def occupied(self, now: float) -> list[Lane]:
        """Lanes with somebody in them; the others are forgotten."""
        for key, lane in list(self._lanes.items()):
            if not lane.clear_of_the_late(now):
                del self._lanes[key]
        return list(self._lanes.values())

    def ask_again(self) -> None:
        """There may be slots earlier than was said."""
        for lane in self._lanes.values():
            lane.ask_at = -inf


def most_urgent(lanes: Iterable[Lane], now: float, suits: Callable[[Lane], bool]) -> Lane | None:
    """Of the lanes that suit, the one whose first waiter goes before all others."""
    found = None
    for lane in lanes:
        if not lane.clear_of_the_late(now):
            continue
        urgent = found is None or lane.waiters[0] < found.waiters[0]
        if urgent and suits(lane):
            found = lane
    return found
