"""The limits of one process alone. Pure."""

import itertools
from collections.abc import Mapping
from math import inf

from streaming.scheduling.budget import TAUGHT_BY, Budget, Pacing, Rule
from streaming.scheduling.limits import (
    FULL_AGAIN_S,
    HORIZON_S,
    Offer,
    Slot,
    Standing,
    Wanted,
    account_of,
    phases,
    rate_of,
    scope_of,
    slots_ahead,
)
from streaming.scheduling.pace import Pace


class MemoryLimits:
    """See `Limits`. `lease_s` is the longest that a call may count as being under way.

    `prefix` begins every ticket; nothing is given before `begins_at`.
    """

    def __init__(
        self,
        pacing: Pacing | None = None,
        *,
        lease_s: float = 60.0,
        prefix: str = "",
        begins_at: float = -inf,
    ) -> None:
        self._pacing = pacing or Pacing()
        self._lease_s = lease_s
        self._prefix = prefix
        self._begins_at = begins_at
        self._accounts: Mapping[str, str] = {}
        self._rules: dict[str, Rule] = {}
        self._paces: dict[str, Pace] = {}
        self._rate = 0.0
        self._numbers = itertools.count()

    def configure(self, accounts: Mapping[str, str], budgets: Mapping[str, Budget]) -> None:
        """See `Limits.configure`."""
        phase = phases(list(budgets))
        self._accounts = accounts
        self._rules = {a: Rule.of(b, self._pacing, phase[a]) for a, b in budgets.items()}
        self._rate = rate_of(budgets)
        for scope, pace in self._paces.items():
            pace.rule = self._rules.get(account_of(scope), pace.rule)

    def ahead(self) -> int:
        """See `Limits.ahead`."""
        return slots_ahead(self._rate, 1)

    async def take(self, wanted: Wanted, now: float) -> Offer:
        """See `Limits.take`."""
        scopes = {k: self._scope(k, wanted.model) for k in wanted.candidates}
        free = {s: self._pace(s).free_at(now, wanted.tokens) for s in scopes.values()}
        slots: list[Slot] = []
        ahead, again = wanted.ahead, inf
        while scopes and len(slots) < wanted.count:
            # Used once, a key goes to the end: keys that are equally free take turns.
            key_id = min(scopes, key=lambda k: _at_least(now, free[scopes[k]]))
            scope = scopes.pop(key_id)
            at = _at_least(now, free[scope])
            if at > now + HORIZON_S or (at > now and ahead <= 0):
                return Offer(tuple(slots), min(again, max(now, at - HORIZON_S)))
            if self._paces[scope].is_full(now):
                again = now + FULL_AGAIN_S
                continue
            ahead -= at > now
            slots.append(self._grant(key_id, scope, at, wanted.tokens, now))
            free[scope] = self._paces[scope].free_at(now, wanted.tokens)
            scopes[key_id] = scope
        return Offer(tuple(slots), now if scopes else again)

    def sent(self, slot: Slot, at: float) -> None:
        """See `Limits.sent`; a call for which these limits were not asked counts too."""
        if account_of(slot.scope) not in self._rules:
            return
        pace = self._pace(slot.scope)
        if slot.ticket.startswith(self._prefix):
            pace.sent(slot.ticket, at)
        else:
            pace.made(slot.ticket, at)

    def unused(self, slot: Slot) -> None:
        """See `Limits.unused`."""
        if pace := self._paces.get(slot.scope):
            pace.unused(slot.ticket)

    def ended(self, slot: Slot, tokens: int | None) -> None:
        """See `Limits.ended`."""
        if pace := self._paces.get(slot.scope):
            pace.ended(slot.ticket, tokens)

    def refused(self, slot: Slot, cause: str, now: float, until: float) -> None:
        """See `Limits.refused`."""
        if pace := self._paces.get(slot.scope):
            pace.refused(TAUGHT_BY.get(cause, ()), until, now)

    async def look(self, model: str, now: float) -> Mapping[str, Standing]:
        """See `Limits.look`."""
        return {k: self._pace(self._scope(k, model)).standing(now) for k in self._accounts}

    def _scope(self, key_id: str, model: str) -> str:
        return scope_of(self._accounts[key_id], model)

    def _pace(self, scope: str) -> Pace:
        pace = self._paces.get(scope)
        if pace is None:
            pace = self._paces[scope] = Pace(self._rules[account_of(scope)])
            pace.refused((), self._begins_at, self._begins_at)
        return pace

    def _grant(self, key_id: str, scope: str, at: float, tokens: int, now: float) -> Slot:
        ticket = f"{self._prefix}{next(self._numbers)}"
        self._paces[scope].take(at, ticket, now, tokens=tokens, lease_s=self._lease_s)
        return Slot(key_id, scope, at, ticket, tokens)


def _at_least(now: float, at: float) -> float:
    """Sums of intervals err by less than a microsecond, which is as good as now."""
    return now if at <= now + 1e-6 else at
