"""Who is served when, and what happens to those who are not."""

import asyncio
import time
from typing import Any

import pytest

from streaming.errors import KeyRejected, ProviderUnavailable, Throttled
from streaming.scheduling.budget import Budget, Lesson, Lessons, Pacing
from streaming.scheduling.key_pool import KeyPool
from streaming.scheduling.key_state import PoolKey
from streaming.scheduling.lanes import Rank
from streaming.scheduling.limits import Offer, Slot, Wanted
from streaming.scheduling.memory_limits import MemoryLimits
from streaming.scheduling.turnstile import DeadlinePassed, NoKey, Turnstile
from tests.waiting import eventually_async

MODEL = "qwen-vl-plus"


def a_turnstile(
    *ids: str, qps: float = 1000, max_concurrent: int = 100, burst: int = 1
) -> tuple[Turnstile, KeyPool]:
    ids = ids or ("a",)
    pool = KeyPool([PoolKey(i) for i in ids])
    none = Lesson(0.0, 0.0, 0.0, 0.0)
    limits = MemoryLimits(Pacing(burst=burst, lessons=Lessons(none, none, none)))
    limits.configure({i: i for i in ids}, {i: Budget(qps, 100_000) for i in ids})
    return Turnstile(pool, limits, max_concurrent=max_concurrent), pool


def rank(priority: int = 50, within_s: float = 30.0) -> Rank:
    return Rank.of(priority, time.monotonic() + within_s)


async def test_the_most_urgent_is_served_first_then_the_earliest_deadline():
    turnstile, _ = a_turnstile(max_concurrent=1)
    served: list[str] = []

    async def call(name: str, *, priority: int, within_s: float) -> None:
        slot = await turnstile.acquire(rank(priority, within_s), MODEL)
        served.append(name)
        turnstile.succeeded(slot, 0)

    async with turnstile:
        first = await turnstile.acquire(rank(), MODEL)
        calls = [
            asyncio.create_task(call("late", priority=50, within_s=20)),
            asyncio.create_task(call("early", priority=50, within_s=10)),
            asyncio.create_task(call("urgent", priority=90, within_s=30)),
        ]
        await eventually_async(lambda: turnstile.waiting == 3)
        turnstile.succeeded(first, 0)
        await asyncio.gather(*calls)
    assert served == ["urgent", "early", "late"]


async def test_no_more_than_so_many_at_once():
    turnstile, _ = a_turnstile(max_concurrent=3)
    async with turnstile:
        calls = [asyncio.create_task(turnstile.acquire(rank(), MODEL)) for _ in range(5)]
        await eventually_async(lambda: sum(c.done() for c in calls) == 3)
        assert (turnstile.in_flight, turnstile.waiting) == (3, 2)
        turnstile.succeeded(calls[0].result(), 0)
        await eventually_async(lambda: sum(c.done() for c in calls) == 4)
        calls[4].cancel()


async def test_slots_come_no_faster_than_the_limit_and_not_before_their_moment():
    turnstile, _ = a_turnstile(qps=20)
    at = []
    async with turnstile:
        for _ in range(5):
            slot = await turnstile.acquire(rank(), MODEL)
            assert time.monotonic() >= slot.at - 0.001
            at.append(slot.at)
            turnstile.succeeded(slot, 0)
    assert at[-1] - at[0] >= 4 / 20 - 1e-6


async def test_past_the_deadline_the_caller_is_let_go():
    turnstile, pool = a_turnstile(max_concurrent=1)
    async with turnstile:
        held = await turnstile.acquire(rank(), MODEL)
        with pytest.raises(DeadlinePassed):
            await turnstile.acquire(rank(within_s=0.02), MODEL)
        with pytest.raises(DeadlinePassed):
            await turnstile.acquire(rank(within_s=-5), MODEL)
        assert pool.stats(time.monotonic())[0].total_calls == 1
        assert turnstile.waiting == 0
        turnstile.failed(held, KeyRejected("401"))
        with pytest.raises(NoKey, match="api_keys"):
            await turnstile.acquire(rank(within_s=0.02), MODEL)
    assert not pool.usable


async def test_a_cancelled_caller_gives_its_slot_back():
    turnstile, pool = a_turnstile(max_concurrent=1)
    async with turnstile:
        caller = asyncio.create_task(turnstile.acquire(rank(), MODEL))
        while turnstile.in_flight == 0:  # noqa: ASYNC110 - one step of the loop at a time
            await asyncio.sleep(0)
        caller.cancel()  # the slot is granted, and it never saw it
        with pytest.raises(asyncio.CancelledError):
            await caller
        assert turnstile.in_flight == 0
        assert pool.stats(time.monotonic())[0].total_calls == 0
        assert isinstance(await turnstile.acquire(rank(), MODEL), Slot)


async def test_those_who_come_too_late_use_up_no_slot():
    turnstile, _ = a_turnstile(qps=5)
    async with turnstile:
        for _ in range(50):
            with pytest.raises(DeadlinePassed):
                await turnstile.acquire(rank(within_s=0.0), MODEL)
        begun = time.monotonic()
        await turnstile.acquire(rank(), MODEL)
        assert time.monotonic() - begun < 5


async def test_a_retry_waits_for_another_key_and_holds_up_nobody():
    turnstile, _ = a_turnstile("a", "b", qps=20)
    async with turnstile:
        held = await turnstile.acquire(rank(), MODEL, avoid=frozenset({"b"}))
        assert held.key_id == "a"
        turnstile.failed(held, ProviderUnavailable("503"))
        retried = await turnstile.acquire(rank(100), MODEL, avoid=frozenset({"a"}))
        assert retried.key_id == "b"
        again = asyncio.create_task(turnstile.acquire(rank(100), MODEL, avoid=frozenset({"a"})))
        other = await turnstile.acquire(rank(0), MODEL)
        assert other.key_id == "a"
        assert (await again).key_id == "b"


async def test_a_key_that_rests_is_used_again_by_itself():
    turnstile, _ = a_turnstile("a")
    async with turnstile:
        slot = await turnstile.acquire(rank(), MODEL)
        turnstile.failed(slot, Throttled("429", cause="requests", retry_after_s=0.05))
        begun = time.monotonic()
        await turnstile.acquire(rank(), MODEL)
        assert time.monotonic() - begun >= 0.05


async def test_a_key_accepted_again_wakes_those_who_wait():
    turnstile, pool = a_turnstile("a")
    async with turnstile:
        slot = await turnstile.acquire(rank(), MODEL)
        turnstile.failed(slot, KeyRejected("401"))
        waiting = asyncio.create_task(turnstile.acquire(rank(), MODEL))
        await eventually_async(lambda: turnstile.waiting == 1)
        pool.probed("a", None, time.monotonic())
        turnstile.keys_changed()
        assert (await asyncio.wait_for(waiting, 5)).key_id == "a"


class Broken(MemoryLimits):
    async def take(self, wanted: Wanted, now: float) -> Offer:
        raise ZeroDivisionError("a bug")


async def test_a_bug_while_asking_for_slots_is_told_to_the_event_loop():
    seen: list[BaseException | None] = []
    handlers = []

    def on_error(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        seen.append(context.get("exception"))
        handlers.append("handle" in context)

    asyncio.get_running_loop().set_exception_handler(on_error)
    limits = Broken()
    limits.configure({"a": "a"}, {"a": Budget(10, 100)})
    async with Turnstile(KeyPool([PoolKey("a")]), limits, max_concurrent=1) as turnstile:
        waiting = asyncio.create_task(turnstile.acquire(rank(), MODEL))
        await eventually_async(lambda: seen)
        waiting.cancel()
    assert isinstance(seen[0], ZeroDivisionError)
    assert handlers == [True]
