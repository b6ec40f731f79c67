"""The limits of all instances together: one script on Redis decides, on Redis's clock."""

import itertools
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from math import inf
from typing import Any

import msgspec
import redis.asyncio

from streaming.scheduling.budget import TAUGHT_BY, Budget, Pacing, Rule
from streaming.scheduling.limits import (
    NOTHING,
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
from streaming.scheduling.redis_clock import RedisClock
from streaming.scheduling.slots_script import Answer, Ask, Report, SlotsScript, key_of

_REMEMBERED_S = 61.0
_PUNCTUAL_S = 0.001
_MOST_REPORTS = 2_000


class NotYet(Exception):
    """After an outage of Redis: others have not told yet what they sent meanwhile."""


class RedisLimits:
    """See `Limits`. Whatever Redis does not answer is raised as `redis.RedisError`.

    Reports of calls go along with the next question, so they cost no round trip of their own.
    """

    def __init__(
        self,
        client: redis.asyncio.Redis,
        instance_id: str,
        pacing: Pacing | None = None,
        *,
        lease_s: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
        redis_now: Callable[[], float] | None = None,
    ) -> None:
        self._redis = client
        self._script = SlotsScript(client)
        self._instance_id = instance_id
        self._pacing = pacing or Pacing()
        self._lease_s = lease_s
        self._clock = clock
        self._redis_now = redis_now
        self._time = RedisClock()
        self._accounts: Mapping[str, str] = {}
        self._rules: dict[str, Rule] = {}
        self._told: set[str] = set()
        self._rate = 0.0
        self.instances = 1
        # Not the instance's name alone: one that was killed has tickets in the log.
        self._prefix = f"{instance_id}-{secrets.token_hex(4)}:"
        self._numbers = itertools.count()
        self._reports: deque[Report] = deque(maxlen=_MOST_REPORTS)
        self._made: deque[tuple[float, Slot]] = deque()

    def configure(self, accounts: Mapping[str, str], budgets: Mapping[str, Budget]) -> None:
        """See `Limits.configure`; Redis is told with the next question."""
        phase = phases(list(budgets))
        self._accounts = accounts
        self._rules = {a: Rule.of(b, self._pacing, phase[a]) for a, b in budgets.items()}
        self._rate = rate_of(budgets)
        self._told.clear()

    def ahead(self) -> int:
        """See `Limits.ahead`."""
        return slots_ahead(self._rate, self.instances)

    async def take(self, wanted: Wanted, now: float) -> Offer:
        """See `Limits.take`.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        return await self._take(wanted, now, returning=0)

    async def meet(self) -> None:
        """After Redis was away: whether it is there, and what its clock says now.

        Raises:
            redis.RedisError: Redis is still away.
        """
        await self._ask((), NOTHING, (), 0)

    async def come_back(self, wanted: Wanted, now: float, *, expected: int) -> Offer:
        """`take` after Redis was away: it learns first what was sent meanwhile, by everybody.

        Comes after `meet`; `expected` is how many instances there were before.

        Raises:
            redis.RedisError: Redis is still away.
            NotYet: others are not back yet.
        """
        self._told.clear()
        self._reports.clear()
        await self._tell(tuple({slot.scope for _, slot in self._made}))
        made = [self._report("made", slot, self._time.there(at)) for at, slot in self._made]
        for i in range(0, len(made), _MOST_REPORTS):
            await self._ask((), NOTHING, tuple(made[i : i + _MOST_REPORTS]), 0)
        return await self._take(wanted, now, returning=expected)

    @property
    def made(self) -> Iterable[tuple[float, Slot]]:
        """The calls of this instance in the last minute, the earliest first."""
        return self._made

    def sent(self, slot: Slot, at: float) -> None:
        """See `Limits.sent`."""
        self._remember(slot, at)
        if not slot.ticket.startswith(self._prefix):  # given while Redis was away
            self._reports.append(self._report("made", slot, self._time.there(at)))
        elif at - slot.at > _PUNCTUAL_S:
            self._reports.append(self._report("sent", slot, self._time.there(at)))

    def given_elsewhere(self, slot: Slot) -> None:
        """A slot that was given while Redis was away: it learns of it when it is back."""
        self._remember(slot, slot.at)

    def unused(self, slot: Slot) -> None:
        """See `Limits.unused`."""
        self._reports.append(self._report("unused", slot))

    def ended(self, slot: Slot, tokens: int | None) -> None:
        """See `Limits.ended`."""
        rule = self._rules.get(account_of(slot.scope))
        if rule is None or rule.in_flight or rule.tpm:
            self._reports.append(self._report("ended", slot, -1 if tokens is None else tokens))

    def refused(self, slot: Slot, cause: str, now: float, until: float) -> None:
        """See `Limits.refused`."""
        lessons = TAUGHT_BY.get(cause, ())
        until, now = self._time.there(max(now, until)), self._time.there(now)
        self._reports.append(self._report("refused", slot, until, now, lessons))

    async def flush(self, now: float) -> None:
        """Deliver the reports, and say that this instance lives.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        await self._take(NOTHING, now, returning=0)

    async def look(self, model: str, now: float) -> Mapping[str, Standing]:
        """See `Limits.look`.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        scopes = sorted({scope_of(a, model) for a in self._accounts.values()})
        there = self._time.there(now)
        async with self._redis.pipeline(transaction=False) as pipe:
            for scope in scopes:
                pipe.zcount(key_of(f"sends:{scope}"), there - _REMEMBERED_S + 1, "+inf")
                pipe.hmget(key_of(f"pace:{scope}"), "held", "v1", "at1")
            found = await pipe.execute()
        standing = {
            scope: self._standing(scope, found[2 * i], found[2 * i + 1], there)
            for i, scope in enumerate(scopes)
        }
        return {k: standing[scope_of(a, model)] for k, a in self._accounts.items()}

    async def _take(self, wanted: Wanted, now: float, *, returning: int) -> Offer:
        scopes = tuple(scope_of(self._accounts[k], wanted.model) for k in wanted.candidates)
        await self._tell(scopes)
        reports = tuple(self._reports)
        self._reports.clear()
        tickets = f"{self._prefix}{next(self._numbers)}"
        try:
            answer = await self._ask(scopes, wanted, reports, returning, tickets)
        except BaseException:
            self._reports.extendleft(reversed(reports))
            raise
        if answer.state == "unknown":
            self._told.clear()
            await self._tell(scopes)
            answer = await self._ask(scopes, wanted, (), returning, tickets)
        self.instances = max(1, answer.instances)
        if answer.state == "returning":
            raise NotYet
        if not scopes:
            return Offer((), inf)
        slots = self._slots(answer, wanted, scopes, tickets)
        return Offer(slots, max(now, self._time.here(answer.until_s)))

    def _slots(
        self, answer: Answer, wanted: Wanted, scopes: tuple[str, ...], tickets: str
    ) -> tuple[Slot, ...]:
        return tuple(
            Slot(
                wanted.candidates[index],
                scopes[index],
                self._time.here(at),
                f"{tickets}:{number}",
                wanted.tokens,
            )
            for number, (index, at) in enumerate(answer.slots)
        )

    async def _ask(
        self,
        scopes: tuple[str, ...],
        wanted: Wanted,
        reports: tuple[Report, ...],
        returning: int,
        tickets: str = "",
    ) -> Answer:
        ask = Ask(
            instance=self._instance_id,
            candidates=scopes,
            count=wanted.count if scopes else 0,
            ahead=wanted.ahead,
            tokens=wanted.tokens,
            tickets=tickets,
            reports=reports,
            now=0.0 if self._redis_now is None else self._redis_now(),
            returning=returning,
            lease_s=self._lease_s,
        )
        asked_at = self._clock()
        answer = await self._script(ask)
        self._time.heard(answer.now, asked_at, self._clock())
        return answer

    async def _tell(self, scopes: tuple[str, ...]) -> None:
        """Tell Redis the rules of these scopes, where it may not know them as they are now."""
        new = [s for s in dict.fromkeys(scopes) if s not in self._told]
        if not new:
            return
        rules: dict[Any, Any] = {s: msgspec.msgpack.encode(self._rules[account_of(s)]) for s in new}
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.hset(key_of("rules"), mapping=rules)
            pipe.hdel(key_of("free"), *new)
            await pipe.execute()
        self._told.update(new)

    def _standing(self, scope: str, sent: int, state: list[bytes | None], now: float) -> Standing:
        rule = self._rules[account_of(scope)]
        held, value, at = (None if v is None else float(v) for v in state)
        margin_s = rule.lessons.second_s.value(value or 0.0, at, now)
        return Standing(max(0, rule.rpm - sent), max(0.0, (held or 0.0) - now), margin_s)

    def _remember(self, slot: Slot, at: float) -> None:
        self._made.append((at, slot))
        while self._made[0][0] < at - _REMEMBERED_S:
            self._made.popleft()

    def _report(
        self,
        kind: str,
        slot: Slot,
        value: float = 0,
        at: float = 0.0,
        lessons: tuple[int, ...] = (),
    ) -> Report:
        return (kind, slot.scope, slot.ticket, value, at, lessons)
