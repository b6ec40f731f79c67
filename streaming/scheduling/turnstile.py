"""Where calls wait for leave to be sent: the most urgent goes first, one sleeper for all."""

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf, isfinite
from types import TracebackType
from typing import Self

from streaming.errors import ProviderError
from streaming.scheduling.key_pool import KeyPool
from streaming.scheduling.limits import Limits, Slot, Wait

_TICK_S = 0.001  # libuv's timers count whole milliseconds


class NoKey(ProviderError):
    """Every key is disabled: nothing can be sent until one is accepted again."""

    error_type = "no_key"
    retryable = False


class DeadlinePassed(ProviderError):
    """The task's deadline came before its turn."""

    error_type = "deadline"
    retryable = False


@dataclass(frozen=True, slots=True, order=True)
class Rank:
    """Higher priority first, then the earlier deadline."""

    minus_priority: int
    deadline: float

    @classmethod
    def of(cls, priority: int, deadline: float) -> "Rank":
        """Of a priority 0..100 and a deadline in seconds of the turnstile's clock."""
        return cls(-priority, deadline)


@dataclass(order=True, slots=True)
class _Waiter:
    rank: Rank
    number: int
    tokens: int = field(compare=False)
    granted: "asyncio.Future[Slot]" = field(compare=False)


class Turnstile:
    """Grants slots in order of rank, as fast as the limits allow, so many at once at most.

    Whoever holds a slot ends it by exactly one of `succeeded`, `failed`, `abandoned`.
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
        self._max_concurrent = max_concurrent
        self._clock = clock
        self._numbers = itertools.count()
        # One queue for each set of keys to avoid: heads of a few queues are all there is to see.
        self._queues: dict[frozenset[str], list[_Waiter]] = {}
        self._in_flight = 0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._serve(), name="turnstile")
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    @property
    def in_flight(self) -> int:
        """Slots granted and not ended."""
        return self._in_flight

    @property
    def waiting(self) -> int:
        """Callers without a slot yet."""
        return sum(not w.granted.done() for queue in self._queues.values() for w in queue)

    async def acquire(
        self, rank: Rank, *, avoid: frozenset[str] = frozenset(), tokens: int = 0
    ) -> Slot:
        """A slot, as soon as it is this caller's turn.

        Raises:
            DeadlinePassed: the deadline of `rank` came first.
            NoKey: it came first, and every key is disabled.
        """
        left_s = rank.deadline - self._clock()
        if left_s <= 0:
            raise self._too_late()
        waiter = _Waiter(
            rank, next(self._numbers), tokens, asyncio.get_running_loop().create_future()
        )
        heapq.heappush(self._queues.setdefault(avoid, []), waiter)
        self._wake.set()
        try:
            async with asyncio.timeout(left_s):
                return await waiter.granted
        except TimeoutError as exc:
            self._give_up(waiter)
            raise self._too_late() from exc
        except asyncio.CancelledError:
            self._give_up(waiter)
            raise

    def sent(self, slot: Slot) -> None:
        """The call with this slot is leaving now."""
        self._limits.sent(slot, self._clock())

    def succeeded(self, slot: Slot, tokens: int) -> None:
        """The call brought an answer and took so many tokens."""
        self._limits.used(slot, tokens)
        self._pool.succeeded(slot.key_id)
        self._end()

    def failed(self, slot: Slot, error: ProviderError) -> None:
        """The call ended in an error."""
        self._pool.failed(slot.key_id, error, self._clock())
        self._end()

    def abandoned(self, slot: Slot) -> None:
        """The call was given up, or never made."""
        self._pool.abandoned(slot.key_id)
        self._end()

    def keys_changed(self) -> None:
        """A key may be usable that was not: look again."""
        self._wake.set()

    def _end(self) -> None:
        self._in_flight -= 1
        self._wake.set()

    def _give_up(self, waiter: _Waiter) -> None:
        granted = waiter.granted
        if granted.done() and not granted.cancelled():
            self._pool.unused(granted.result().key_id)
            self._end()
        else:
            granted.cancel()

    def _too_late(self) -> ProviderError:
        if self._pool.usable:
            return DeadlinePassed("no slot before the task's deadline")
        return NoKey(
            "every key is disabled (api_keys in api_keys.yaml); `trafficmon keys verify` says why"
        )

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            until = await self._grant_all()
            timer = None
            if isfinite(until):
                delay_s = max(_TICK_S, until - self._clock())
                timer = loop.call_later(delay_s, self._wake.set)
            await self._wake.wait()
            if timer is not None:
                timer.cancel()

    async def _grant_all(self) -> float:
        """Grant what can be granted now; return when to look again without being woken."""
        blocked: dict[frozenset[str], float] = {}
        while self._in_flight < self._max_concurrent:
            heads = [(a, q[0]) for a, q in self._live_queues() if a not in blocked]
            if not heads:
                break
            avoid, waiter = min(heads, key=lambda head: head[1])
            now = self._clock()
            candidates = self._pool.candidates(now, avoid)
            offer = await self._limits.take(candidates, now, tokens=waiter.tokens)
            if isinstance(offer, Wait):
                blocked[avoid] = min(offer.until, self._pool.next_change(now))
            else:
                self._grant(avoid, waiter, offer)
        return min(blocked.values(), default=inf)

    def _grant(self, avoid: frozenset[str], waiter: _Waiter, slot: Slot) -> None:
        """Hand over the slot; if the caller is gone meanwhile, nobody uses it."""
        if waiter.granted.done():
            return
        self._in_flight += 1
        self._pool.started(slot.key_id, slot.at)
        queue = self._queues[avoid]
        if queue[0] is waiter:
            heapq.heappop(queue)
        waiter.granted.set_result(slot)

    def _live_queues(self) -> list[tuple[frozenset[str], list[_Waiter]]]:
        now = self._clock()
        for avoid, queue in list(self._queues.items()):
            # Who is too late leaves by its own timer; a slot for it would be wasted.
            while queue and (queue[0].granted.done() or queue[0].rank.deadline <= now):
                heapq.heappop(queue)
            if not queue:
                del self._queues[avoid]
        return list(self._queues.items())
