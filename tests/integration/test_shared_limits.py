"""Several instances on one Redis, also while it is away and when it comes back."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from streaming.redis_client import connect_async
from streaming.scheduling.budget import Budget, Pacing
from streaming.scheduling.key_pool import KeyPool
from streaming.scheduling.key_state import PoolKey
from streaming.scheduling.lanes import Rank
from streaming.scheduling.limits import Offer, Wanted
from streaming.scheduling.redis_limits import RedisLimits
from streaming.scheduling.shared_limits import SharedLimits
from streaming.scheduling.turnstile import Turnstile
from streaming.settings import RedisSettings
from tests.integration.own_redis import OwnRedis
from tests.unit.scheduling.windows import most_in_any
from tests.waiting import eventually_async

MODEL = "qwen-vl-plus"
KEYS = ("a", "b")
QPS = 10
PATIENCE_S = 60.0


class Instance:
    """A turnstile with limits of its own connection, and callers that never stop asking."""

    def __init__(self, url: str, name: str, sends: dict[str, list[float]]) -> None:
        self.shared: list[bool] = []
        self.count = 0
        self._client = connect_async(RedisSettings(url=url, timeout_s=0.5), retries=0)
        pacing = Pacing()
        self.limits = SharedLimits(
            RedisLimits(self._client, name, pacing),
            pacing,
            lease_s=60,
            on_change=self.shared.append,
        )
        self.limits.configure({k: k for k in KEYS}, {k: Budget(QPS, 100_000) for k in KEYS})
        self._turnstile = Turnstile(
            KeyPool([PoolKey(k) for k in KEYS]), self.limits, max_concurrent=100
        )
        self._sends = sends

    async def run(self, until: asyncio.Event) -> None:
        watching = asyncio.create_task(self.limits.watch())
        async with self._turnstile:
            callers = [asyncio.create_task(self._ask()) for _ in range(8)]
            await until.wait()
            for task in (*callers, watching):
                task.cancel()
            await asyncio.gather(*callers, watching, return_exceptions=True)
        await self._client.aclose()

    async def _ask(self) -> None:
        while True:
            slot = await self._turnstile.acquire(Rank.of(50, time.monotonic() + 60), MODEL)
            self._turnstile.sent(slot)
            self._sends[slot.key_id].append(time.monotonic())
            self.count += 1
            self._turnstile.succeeded(slot, 0)


@pytest.fixture
async def own_redis(tmp_path: Path) -> AsyncIterator[OwnRedis]:
    server = OwnRedis(tmp_path)
    await asyncio.to_thread(server.start)
    yield server
    server.kill()


async def test_four_instances_together_keep_the_limits_and_share_alike(redis_url):
    sends: dict[str, list[float]] = defaultdict(list)
    instances = [Instance(redis_url, str(i), sends) for i in range(4)]
    done = asyncio.Event()
    running = asyncio.gather(*(i.run(done) for i in instances))
    await eventually_async(
        lambda: sum(i.count for i in instances) >= 12 * QPS, timeout_s=PATIENCE_S
    )
    done.set()
    await running
    for times in sends.values():
        assert most_in_any(sorted(times), 1.0) <= QPS
    counts = [i.count for i in instances]
    assert min(counts) >= 0.8 * sum(counts) / 4


async def test_while_redis_is_away_each_keeps_its_share_and_none_bursts_when_it_is_back(
    own_redis,
):
    sends: dict[str, list[float]] = defaultdict(list)
    instances = [Instance(own_redis.url, str(i), sends) for i in range(2)]
    done = asyncio.Event()
    running = asyncio.gather(*(i.run(done) for i in instances))

    async def some_more(calls: int) -> None:
        goal = [i.count + calls for i in instances]
        await eventually_async(
            lambda: all(i.count >= g for i, g in zip(instances, goal, strict=True)),
            timeout_s=PATIENCE_S,
        )

    await some_more(15)
    assert all(i.limits.shared for i in instances)
    own_redis.kill()
    await some_more(15)
    assert not any(i.limits.shared for i in instances)
    await asyncio.to_thread(own_redis.start)
    await eventually_async(lambda: all(i.limits.shared for i in instances), timeout_s=PATIENCE_S)
    await some_more(15)
    done.set()
    await running
    for times in sends.values():
        assert most_in_any(sorted(times), 1.0) <= QPS
    assert [i.shared for i in instances] == [[True, False, True]] * 2


async def test_a_redis_that_lost_its_data_is_told_what_was_sent(own_redis):
    async with connect_async(RedisSettings(url=own_redis.url)) as client:
        limits = SharedLimits(
            RedisLimits(client, "1", Pacing()), Pacing(), lease_s=60, on_change=lambda _: None
        )
        limits.configure({"a": "a"}, {"a": Budget(5, 5)})
        for _ in range(5):
            offer = await limits.take(Wanted(["a"], MODEL, ahead=5), time.monotonic())
            for slot in offer.slots:
                limits.sent(slot, slot.at)
        assert (await limits.look(MODEL, time.monotonic()))["a"].remaining_minute <= 2
        sent = 5 - (await limits.look(MODEL, time.monotonic()))["a"].remaining_minute
        await client.flushall()
        own_redis.kill()
        await limits.take(Wanted(["a"], MODEL), time.monotonic())
        assert not limits.shared
        await asyncio.to_thread(own_redis.start)
        watching = asyncio.create_task(limits.watch())

        async def back() -> bool:
            await limits.take(Wanted(["a"], MODEL, count=0), time.monotonic())
            return limits.shared

        deadline = time.monotonic() + PATIENCE_S
        while not await back():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        watching.cancel()
        assert (await limits.look(MODEL, time.monotonic()))["a"].remaining_minute <= 5 - sent


async def test_nothing_is_given_alone_while_redis_is_told_what_was(own_redis):
    """Else the others would not hear of it, and give the same second away once more."""

    class Slow(RedisLimits):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            self.began, self.may_go_on = asyncio.Event(), asyncio.Event()

        async def come_back(self, wanted: Wanted, now: float, *, expected: int) -> Offer:
            self.began.set()
            await self.may_go_on.wait()
            return await super().come_back(wanted, now, expected=expected)

    async with connect_async(RedisSettings(url=own_redis.url)) as client:
        slow = Slow(client, "1", Pacing())
        limits = SharedLimits(slow, Pacing(), lease_s=60, on_change=lambda _: None)
        limits.configure({"a": "a"}, {"a": Budget(50, 3_000)})
        wanted = Wanted(["a"], MODEL)
        own_redis.kill()
        deadline = time.monotonic() + PATIENCE_S
        while not (await limits.take(wanted, time.monotonic())).slots:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        assert not limits.shared
        await asyncio.to_thread(own_redis.start)
        watching = asyncio.create_task(limits.watch())
        await asyncio.wait_for(slow.began.wait(), PATIENCE_S)
        for _ in range(5):
            assert not (await limits.take(wanted, time.monotonic())).slots
        slow.may_go_on.set()
        await eventually_async(lambda: limits.shared, PATIENCE_S)
        watching.cancel()


async def test_an_instance_that_died_leaves_its_part_to_the_others(redis_url):
    async with connect_async(RedisSettings(url=redis_url)) as client:
        dead = RedisLimits(client, "dead", Pacing())
        alive = RedisLimits(client, "alive", Pacing())
        for limits in (dead, alive):
            limits.configure({"a": "a"}, {"a": Budget(100, 100_000)})
            await limits.take(Wanted(["a"], MODEL), time.monotonic())
        await alive.flush(time.monotonic())
        assert (alive.instances, alive.ahead()) == (2, 2)
        long_ago = time.time() - 60
        await client.zadd("keys:{provider}:instances", {"dead": long_ago})
        await alive.flush(time.monotonic())
        assert (alive.instances, alive.ahead()) == (1, 4)
