"""Where calls wait for leave to be sent: the most urgent goes first, one sleeper for all."""

import asyncio
import time
from bisect import bisect_right
from collections.abc import Callable
from functools import partial
from math import inf, isfinite
from types import TracebackType
from typing import Self

from streaming.errors import ProviderError, Throttled
from streaming.scheduling.key_pool import KeyPool
from streaming.scheduling.lanes import Lane, Lanes, Rank, most_urgent
from streaming.scheduling.limits import Limits, Slot, Wanted
from streaming.scheduling.slow_start import SlowStart

_TICK_S = 0.001
"""libuv's timers count whole milliseconds."""

_STALE_S = 1.0
"""So long a slot may be kept for want of a caller; then it is given back."""


class NoKey(ProviderError):
    """Every key is disabled: nothing can be sent until one is accepted again."""

    error_type = "no_key"
    retryable = False


class DeadlinePassed(ProviderError):
    """The task's deadline came before its turn."""

    error_type = "deadline"
    retryable = False


def _moment(slot: Slot) -> float:
    return slot.at


def _not_in_silence(asking: asyncio.Task[None]) -> None:
    """A bug while asking is raised where the event loop sees it: nobody awaits the task."""
    if not asking.cancelled():
        asking.result()


class Turnstile:
    """Grants slots in order of rank, as fast as the limits allow, so many at once at most.

    Slots are asked for a little ahead, and a caller is chosen only when one's moment comes, so
    that the most urgent one then goes first. Whoever holds a slot ends it by exactly one of
    `succeeded`, `failed`, `abandoned`.
    """

    def __init__(
        self,
        pool: KeyPool,
        limits: Limits,
        *,
        max_concurrent: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._limits = limits
        self._slow_start = SlowStart(max_concurrent)
        self._clock = clock
        self._lanes = Lanes()
        self._held: list[Slot] = []
        self._in_flight = 0
        self._asking: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._look_planned = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait((self._asking,))

    @property
    def in_flight(self) -> int:
        """Slots granted and not ended."""
        return self._in_flight

    @property
    def waiting(self) -> int:
        """Callers without a slot yet."""
        return self._lanes.waiting

    async def acquire(
        self, rank: Rank, model: str, *, avoid: frozenset[str] = frozenset(), tokens: int = 0
    ) -> Slot:
        """A slot, as soon as it is this caller's turn.

        Raises:
            DeadlinePassed: the deadline of `rank` came first.
            NoKey: it came first, and every key is disabled.
        """
        left_s = rank.deadline - self._clock()
        if left_s <= 0:
            raise self._too_late()
        loop = asyncio.get_running_loop()
        granted: asyncio.Future[Slot] = loop.create_future()
        self._lanes.join(granted, rank, model, avoid, tokens)
        self._look_soon()
        too_late = loop.call_later(left_s, self._expire, granted)
        try:
            return await granted
        except asyncio.CancelledError:
            self._give_up(granted)
            raise
        finally:
            too_late.cancel()

    def sent(self, slot: Slot) -> None:
        """The call with this slot is leaving now."""
        self._limits.sent(slot, self._clock())

    def succeeded(self, slot: Slot, tokens: int) -> None:
        """The call brought an answer and took so many tokens."""
        self._pool.succeeded(slot.key_id)
        self._end(slot, tokens)

    def failed(self, slot: Slot, error: ProviderError) -> None:
        """The call ended in an error."""
        now = self._clock()
        self._pool.failed(slot.key_id, error, now)
        if isinstance(error, Throttled):
            until = now + self._pool.rest_left_s(slot.key_id, now)
            self._limits.refused(slot, error.cause, now, until)
        self._end(slot, None)

    def abandoned(self, slot: Slot) -> None:
        """The call was given up, or never made."""
        self._pool.abandoned(slot.key_id)
        self._end(slot, None)

    def keys_changed(self) -> None:
        """A key may be usable that was not: look again."""
        self._lanes.ask_again()
        self._look_soon()

    def _end(self, slot: Slot, tokens: int | None) -> None:
        self._limits.ended(slot, tokens)
        now = self._clock()
        if self._in_flight >= self._slow_start.room(now):
            self._look_soon()
        self._in_flight -= 1
        self._slow_start.ended(now, self._in_flight)

    def _expire(self, granted: "asyncio.Future[Slot]") -> None:
        if not granted.done():
            granted.set_exception(self._too_late())

    def _give_up(self, granted: "asyncio.Future[Slot]") -> None:
        if granted.done() and not granted.cancelled() and granted.exception() is None:
            slot = granted.result()
            self._pool.unused(slot.key_id)
            self._limits.unused(slot)
            self._in_flight -= 1
            self._look_soon()
        else:
            granted.cancel()

    def _too_late(self) -> ProviderError:
        if self._pool.usable:
            return DeadlinePassed("no slot before the task's deadline")
        return NoKey(
            "every key is disabled (api_keys in api_keys.yaml); `trafficmon keys verify` says why"
        )

    def _look_soon(self) -> None:
        """Look once, after everything that is happening now."""
        if not self._look_planned:
            self._look_planned = True
            asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        """Serve who can be served, ask for what is wanted, and plan the next look."""
        self._look_planned = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = self._clock()
        lanes = self._lanes.occupied(now)
        if self._held:
            self._hand_out(lanes, now)
        until = min(self._ask(lanes, now), self._next_slot(now), self._slow_start.grows_at)
        if isfinite(until):
            delay_s = max(_TICK_S, until - self._clock())
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._look)

    def _hand_out(self, lanes: list[Lane], now: float) -> None:
        """Serve the most urgent callers with the slots whose moment has come."""
        due = bisect_right(self._held, now + _TICK_S / 2, key=_moment)
        kept, room = [], self._slow_start.room(now)
        for slot in self._held[:due]:
            lane = None
            if self._in_flight < room:
                lane = most_urgent(lanes, now, partial(self._suits, slot, now))
            if lane is not None:
                self._grant(lane, slot, now)
            elif now - slot.at > _STALE_S or not self._pool.is_available(slot.key_id, now):
                self._limits.unused(slot)
            else:
                kept.append(slot)
        self._held[:due] = kept

    def _suits(self, slot: Slot, now: float, lane: Lane) -> bool:
        of_model = slot.scope.startswith(f"{lane.model} ")
        return of_model and self._pool.may_serve(slot.key_id, lane.avoid, now)

    def _grant(self, lane: Lane, slot: Slot, now: float) -> None:
        self._in_flight += 1
        self._slow_start.started(now, self._in_flight)
        self._pool.started(slot.key_id, now)
        lane.grant(slot)

    def _next_slot(self, now: float) -> float:
        """When the next held slot's moment comes; those that wait for room are woken by it."""
        due = bisect_right(self._held, now + _TICK_S / 2, key=_moment)
        return self._held[due].at if due < len(self._held) else inf

    def _ask(self, lanes: list[Lane], now: float) -> float:
        """Ask for slots where some are wanted; return when to look again."""
        asking = self._asking is not None and not self._asking.done()
        # Half of those ahead used up: then one question brings several.
        if asking or len(self._held) > self._limits.ahead() // 2:
            return inf
        room = self._slow_start.room(now) - self._in_flight
        spare = self._held
        until = inf
        for lane in sorted((n for n in lanes if n.waiters), key=lambda n: n.waiters[0]):
            wanted = min(room, len(lane.waiters))
            room -= wanted
            ours, spare = self._set_aside(spare, lane, wanted, now)
            if wanted > ours and lane.ask_at <= now:
                self._asking = asyncio.create_task(self._take(lane, wanted - ours, now))
                self._asking.add_done_callback(_not_in_silence)
                return inf
            if wanted > ours:
                until = min(until, lane.ask_at)
        return until

    def _set_aside(
        self, spare: list[Slot], lane: Lane, wanted: int, now: float
    ) -> tuple[int, list[Slot]]:
        """How many of the spare slots serve this lane, and those that are left for others."""
        left = []
        for slot in spare:
            if wanted > 0 and self._suits(slot, now, lane):
                wanted -= 1
            else:
                left.append(slot)
        return len(spare) - len(left), left

    async def _take(self, lane: Lane, count: int, now: float) -> None:
        candidates = self._pool.candidates(now, lane.avoid)
        ahead = self._limits.ahead() - len(self._held)
        offer = await self._limits.take(
            Wanted(candidates, lane.model, count, ahead, lane.tokens), now
        )
        self._held = sorted((*self._held, *offer.slots), key=_moment)
        lane.ask_at = min(offer.until, self._pool.next_change(now))
        self._look_soon()
