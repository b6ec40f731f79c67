"""The limits of all instances while Redis answers; this instance's fair share while it does not."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Mapping

from redis.exceptions import RedisError

from streaming.scheduling.budget import Budget, Pacing
from streaming.scheduling.limits import NOTHING, Offer, Slot, Standing, Wanted
from streaming.scheduling.memory_limits import MemoryLimits
from streaming.scheduling.redis_limits import NotYet, RedisLimits

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.5
_SECOND_S = 1.1
_NOT_YET_S = 0.05


class SharedLimits:
    """See `Limits`; nothing here raises. `on_change` is told whether limits are shared.

    Alone, an instance knows what itself sent in the last minute, and takes its part of every
    limit as it was when Redis was last seen. Back again, it waits until the others have told
    Redis what they sent meanwhile, for two seconds at most, so neither end makes a burst.
    """

    def __init__(
        self,
        redis_limits: RedisLimits,
        pacing: Pacing,
        *,
        lease_s: float,
        on_change: Callable[[bool], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = redis_limits
        self._pacing = pacing
        self._lease_s = lease_s
        self._on_change = on_change
        self._clock = clock
        self._local: MemoryLimits | None = None
        self._reachable = True
        self._coming_back = False
        self._before = 1
        self._accounts: Mapping[str, str] = {}
        self._budgets: Mapping[str, Budget] = {}
        on_change(True)

    @property
    def shared(self) -> bool:
        """Whether all instances decide together."""
        return self._local is None

    def configure(self, accounts: Mapping[str, str], budgets: Mapping[str, Budget]) -> None:
        """See `Limits.configure`."""
        self._accounts, self._budgets = accounts, budgets
        self._redis.configure(accounts, budgets)
        if self._local is not None:
            self._local.configure(accounts, self._parts())

    def ahead(self) -> int:
        """See `Limits.ahead`."""
        return (self._local or self._redis).ahead()

    async def take(self, wanted: Wanted, now: float) -> Offer:
        """See `Limits.take`."""
        if self._local is None:
            try:
                return await self._redis.take(wanted, now)
            except RedisError as exc:
                self._leave(exc)
        elif self._reachable and (offer := await self._come_back(wanted, now)):
            return offer
        assert self._local is not None  # noqa: S101 - set by `_leave`, which mypy does not see
        offer = await self._local.take(wanted, self._clock())
        for slot in offer.slots:
            self._redis.given_elsewhere(slot)
        return offer

    def sent(self, slot: Slot, at: float) -> None:
        """See `Limits.sent`."""
        self._redis.sent(slot, at)
        if self._local is not None:
            self._local.sent(slot, at)

    def unused(self, slot: Slot) -> None:
        """See `Limits.unused`."""
        self._redis.unused(slot)
        if self._local is not None:
            self._local.unused(slot)

    def ended(self, slot: Slot, tokens: int | None) -> None:
        """See `Limits.ended`."""
        self._redis.ended(slot, tokens)
        if self._local is not None:
            self._local.ended(slot, tokens)

    def refused(self, slot: Slot, cause: str, now: float, until: float) -> None:
        """See `Limits.refused`."""
        self._redis.refused(slot, cause, now, until)
        if self._local is not None:
            self._local.refused(slot, cause, now, until)

    async def look(self, model: str, now: float) -> Mapping[str, Standing]:
        """See `Limits.look`."""
        if self._local is None:
            try:
                return await self._redis.look(model, now)
            except RedisError as exc:
                self._leave(exc)
        assert self._local is not None  # noqa: S101 - as in `take`
        return await self._local.look(model, now)

    async def watch(self) -> None:
        """Until cancelled: deliver reports, say that we live, and look whether Redis is back."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            if self._local is not None:
                await self._come_back(NOTHING, self._clock())
                continue
            try:
                await self._redis.flush(self._clock())
            except RedisError as exc:
                self._leave(exc)

    async def _come_back(self, wanted: Wanted, now: float) -> Offer | None:
        """Slots by Redis again; none while others are not back; None while Redis is away."""
        if self._coming_back:
            return Offer((), now + _NOT_YET_S)
        self._coming_back = True
        try:
            await self._redis.meet()
            # Nothing is given alone from now on, as what was given is told once.
            self._reachable = True
            offer = await self._redis.come_back(wanted, self._clock(), expected=self._before)
        except NotYet:
            return Offer((), self._clock() + _NOT_YET_S)
        except RedisError:
            self._reachable = False
            return None
        finally:
            self._coming_back = False
        self._return()
        return offer

    def _leave(self, exc: RedisError) -> None:
        self._reachable = False
        if self._local is not None:
            return
        log.warning(
            "Redis does not answer, so this instance keeps to its share: %s",
            exc,
            extra={"instances": self._redis.instances},
        )
        self._before = self._redis.instances
        local = MemoryLimits(
            self._pacing,
            lease_s=self._lease_s,
            prefix=f"alone-{secrets.token_hex(4)}:",
            # Others may have sent more than their part, and we less, in the second before.
            begins_at=self._clock() + _SECOND_S,
        )
        self._local = local
        local.configure(self._accounts, self._parts())
        for at, slot in self._redis.made:
            local.sent(slot, at)
        self._on_change(False)

    def _return(self) -> None:
        if self._local is None:
            return
        log.info("limits are shared again", extra={"instances": self._redis.instances})
        self._local = None
        self._on_change(True)

    def _parts(self) -> dict[str, Budget]:
        return {a: b.part(self._before) for a, b in self._budgets.items()}
