"""How soon each key may send, so that no rolling second or minute ever holds too many. Pure.

Two rules together. A log of the last sends is exact: a call goes out only when the
window that would hold it, widened by a margin against arrival jitter, still has room. GCRA
with a small burst spreads the calls over the minute: the log alone would bunch them at
its edge (measured: p95 of the wait 30 s against 2.6 s).

Times are seconds of a monotonic clock and come in as `now`.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor, inf
from typing import Protocol

_MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Budget:
    """The most an account may send in any rolling second and minute; `tpm` in tokens."""

    qps: float
    rpm: int
    tpm: int | None = None

    def shared_with(self, other: "Budget") -> "Budget":
        """Two keys of one account that disagree about its limits: the smaller of each holds."""
        tpms = [t for t in (self.tpm, other.tpm) if t is not None]
        return Budget(min(self.qps, other.qps), min(self.rpm, other.rpm), min(tpms, default=None))


@dataclass(frozen=True, slots=True)
class Pacing:
    """The margins widen the windows; `burst` is how many calls may follow at once after a rest.

    15 ms costs 1.5 % of a second; without it 8 % were refused. A quarter of a second costs
    0.4 % of a minute, and covers what a busy machine takes to hand a request over: with 15 ms
    there, too, 3 of 3,300 were refused (docs/scheduling.md).
    """

    margin_s: float = 0.015
    minute_margin_s: float = 0.25
    burst: int = 3


@dataclass(frozen=True, slots=True)
class Slot:
    """Leave to send one call with this key at `at`, or as soon after as can be."""

    key_id: str
    at: float
    ticket: int
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Wait:
    """No slot now; ask again at `until` (infinite: only when a key changes its state)."""

    until: float


class Limits(Protocol):
    """Who may send when, over all keys: one atomic decision a call.

    In memory for one process; the same cases are to hold for a shared one.
    """

    async def take(self, candidates: Sequence[str], now: float, *, tokens: int = 0) -> Slot | Wait:
        """A slot of the first candidate that has one now, or how long to wait for any."""

    def sent(self, slot: Slot, at: float) -> None:
        """The call really left at `at`: the window is counted from there."""

    def used(self, slot: Slot, tokens: int) -> None:
        """The call really took so many tokens."""


class Pace:
    """One account's sends. `phase` 0..1 sets accounts apart that start at the same moment."""

    def __init__(self, budget: Budget, pacing: Pacing, *, phase: float = 0.0) -> None:
        self._per_second = max(1, floor(budget.qps + 1e-9))
        second_s = 1.0 if budget.qps >= 1 else 1.0 / budget.qps
        self._second_s = second_s + pacing.margin_s
        self._minute_s = _MINUTE_S + pacing.minute_margin_s
        self._rpm = budget.rpm
        self._interval_s = max(self._second_s / self._per_second, self._minute_s / budget.rpm)
        self._tolerance_s = (pacing.burst - 1) * self._interval_s
        # After a rest the phase eats into the burst, never into the first call.
        self._phase_s = min(phase * self._interval_s, self._tolerance_s)
        self._next_s = -inf
        self._sends: deque[float] = deque(maxlen=max(self._per_second, budget.rpm))
        self._tickets = 0
        self._tokens = _Tokens(budget.tpm, self._minute_s)

    def free_at(self, now: float, tokens: int = 0) -> float:
        """When the next call may leave; at or before `now` means at once."""
        at = self._next_s - self._tolerance_s
        if len(self._sends) >= self._per_second:
            at = max(at, self._sends[-self._per_second] + self._second_s)
        if len(self._sends) >= self._rpm:
            at = max(at, self._sends[-self._rpm] + self._minute_s)
        return max(at, self._tokens.free_at(now, tokens))

    def take(self, now: float, tokens: int = 0) -> int:
        """Count a call at `now`, which `free_at` must allow; return its ticket."""
        rested = self._next_s < now
        self._next_s = (now + self._phase_s if rested else self._next_s) + self._interval_s
        self._sends.append(max(now, self._sends[-1]) if self._sends else now)
        self._tickets += 1
        self._tokens.add(self._tickets, now, tokens)
        return self._tickets

    def sent(self, ticket: int, at: float) -> None:
        """Move a call to when it really left; what was taken after it left no earlier.

        Calls overtake each other by milliseconds. Keeping the log in order by raising the
        later ones is on the safe side: no entry is earlier than the truth.
        """
        index = len(self._sends) - 1 - (self._tickets - ticket)
        if index < 0:
            return
        while index < len(self._sends) and self._sends[index] < at:
            self._sends[index] = at
            index += 1

    def used(self, ticket: int, tokens: int) -> None:
        """Replace a call's estimate of tokens by what it really took."""
        self._tokens.correct(ticket, tokens)


class MemoryLimits:
    """Limits of one process. `accounts` names each key's account, `budgets` each account's."""

    def __init__(
        self,
        accounts: Mapping[str, str],
        budgets: Mapping[str, Budget],
        pacing: Pacing | None = None,
    ) -> None:
        pacing = pacing or Pacing()
        paces = {
            account: Pace(budget, pacing, phase=i / len(budgets))
            for i, (account, budget) in enumerate(budgets.items())
        }
        self._paces = {key_id: paces[account] for key_id, account in accounts.items()}

    async def take(self, candidates: Sequence[str], now: float, *, tokens: int = 0) -> Slot | Wait:
        """See `Limits.take`."""
        until = inf
        for key_id in candidates:
            pace = self._paces[key_id]
            free_at = pace.free_at(now, tokens)
            if free_at <= now:
                return Slot(key_id, now, pace.take(now, tokens), tokens)
            until = min(until, free_at)
        return Wait(until)

    def sent(self, slot: Slot, at: float) -> None:
        """See `Limits.sent`."""
        self._paces[slot.key_id].sent(slot.ticket, at)

    def used(self, slot: Slot, tokens: int) -> None:
        """See `Limits.used`."""
        self._paces[slot.key_id].used(slot.ticket, tokens)


class _Tokens:
    """Tokens taken in the last minute, of an account that limits them."""

    def __init__(self, tpm: int | None, minute_s: float) -> None:
        self._tpm = tpm
        self._minute_s = minute_s
        self._taken: dict[int, tuple[float, int]] = {}
        self._sum = 0

    def free_at(self, now: float, tokens: int) -> float:
        if self._tpm is None:
            return -inf
        self._forget(now)
        # A call larger than the whole limit is tried alone: only the provider knows.
        too_many = self._sum + min(tokens, self._tpm) - self._tpm
        for at, taken in self._taken.values():
            if too_many <= 0:
                break
            too_many -= taken
            if too_many <= 0:
                return at + self._minute_s
        return -inf

    def add(self, ticket: int, at: float, tokens: int) -> None:
        if self._tpm is not None:
            self._taken[ticket] = (at, tokens)
            self._sum += tokens

    def correct(self, ticket: int, tokens: int) -> None:
        if ticket in self._taken:
            at, estimate = self._taken[ticket]
            self._taken[ticket] = (at, tokens)
            self._sum += tokens - estimate

    def _forget(self, now: float) -> None:
        for ticket, (at, tokens) in list(self._taken.items()):
            if at + self._minute_s > now:
                break
            del self._taken[ticket]
            self._sum -= tokens
