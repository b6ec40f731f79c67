"""Who may send when: slots, and the two kinds of limits that give them. Pure.

A slot is leave to send one call with one key at one moment, now or a little ahead. Whoever asks
for slots is not yet the caller that uses them: at the slot's moment the most urgent caller is
served (`turnstile`). A slot used late moves to when it was used, so no window ever holds more
than the limit; one that is not used is given back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Protocol

from streaming.scheduling.budget import Budget

HORIZON_S = 1.0
"""No slot is given for later: keys may have changed by then."""

FULL_AGAIN_S = 0.1
"""Where too many calls are under way: nobody foretells when another instance's call ends."""

_AHEAD_S = 0.04


@dataclass(frozen=True, slots=True)
class Slot:
    """Leave to send one call with this key at `at`, in seconds of this process's clock.

    `scope` names the account and model whose limits it counts against.
    """

    key_id: str
    scope: str
    at: float
    ticket: str
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """A wish for slots: keys in order of preference, the model, how many, tokens of each.

    `count` slots that are free now, of which at most `ahead` may lie in the future.
    """

    candidates: Sequence[str]
    model: str
    count: int = 1
    ahead: int = 1
    tokens: int = 0


NOTHING = Wanted((), "", count=0)
"""No wish: only to be heard."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Slots, the earliest first; before `until` no more are to be had (infinite: no key)."""

    slots: tuple[Slot, ...] = ()
    until: float = inf


@dataclass(frozen=True, slots=True)
class Standing:
    """A scope as it stands: calls left in this minute, seconds held, its margin in seconds."""

    remaining_minute: int
    held_s: float
    margin_s: float


class Limits(Protocol):
    """Slots within every account's limits. Times are seconds of this process's clock."""

    def configure(self, accounts: Mapping[str, str], budgets: Mapping[str, Budget]) -> None:
        """From now on these keys with their accounts, and the accounts' budgets."""

    def ahead(self) -> int:
        """How many future slots one instance may hold: its part of what comes in 40 ms."""

    async def take(self, wanted: Wanted, now: float) -> Offer:
        """Slots for one wish, in one atomic decision over all instances."""

    def sent(self, slot: Slot, at: float) -> None:
        """The call really left at `at`: the windows are counted from there."""

    def unused(self, slot: Slot) -> None:
        """No call was or will be made with it."""

    def ended(self, slot: Slot, tokens: int | None) -> None:
        """The call is over, and took so many tokens, if that is known."""

    def refused(self, slot: Slot, cause: str, now: float, until: float) -> None:
        """The provider answered 429: learn from it, and give no slot there before `until`."""

    async def look(self, model: str, now: float) -> Mapping[str, Standing]:
        """Every key's scope as it stands, by key id."""


def scope_of(account: str, model: str) -> str:
    """The provider counts per account and model; a model's name has no space."""
    return f"{model} {account}"


def account_of(scope: str) -> str:
    """The account in a scope."""
    return scope.partition(" ")[2]


def slots_ahead(rate: float, instances: int) -> int:
    """One instance's part of the slots that come within 40 ms, at least one.

    Each holds the same number and asks for the next when one is used, so whoever asks is served
    in turn: that is what keeps instances equal.
    """
    return max(1, int(_AHEAD_S * rate / max(1, instances)))


def rate_of(budgets: Mapping[str, Budget]) -> float:
    """Calls a second that all accounts together keep up."""
    return sum(budget.rate for budget in budgets.values())


def phases(accounts: Sequence[str]) -> dict[str, float]:
    """0..1 by account: neighbours that start together do not stay together."""
    return {account: i / len(accounts) for i, account in enumerate(sorted(accounts))}
