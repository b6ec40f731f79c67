"""What every implementation of Limits keeps: in memory now, shared by instances later."""

from collections.abc import Callable, Mapping
from math import inf

import pytest

from streaming.scheduling.limits import Budget, Limits, MemoryLimits, Slot, Wait

Make = Callable[[Mapping[str, str], Mapping[str, Budget]], Limits]


@pytest.fixture(params=["memory"])
def make_limits() -> Make:
    return MemoryLimits


async def take_all(limits: Limits, keys: list[str], now: float) -> list[Slot]:
    slots = []
    while isinstance(slot := await limits.take(keys, now), Slot):
        limits.sent(slot, now)
        slots.append(slot)
    return slots


async def test_the_first_candidate_with_room_is_taken(make_limits):
    limits = make_limits(
        {"a": "a", "b": "b"}, {"a": Budget(qps=1, rpm=60), "b": Budget(qps=1, rpm=60)}
    )
    first = await limits.take(["b", "a"], 100.0)
    second = await limits.take(["b", "a"], 100.0)
    assert isinstance(first, Slot)
    assert isinstance(second, Slot)
    assert [first.key_id, second.key_id] == ["b", "a"]


async def test_who_must_wait_learns_until_when_and_is_served_then(make_limits):
    limits = make_limits({"a": "a"}, {"a": Budget(qps=1, rpm=60)})
    slots = await take_all(limits, ["a"], 100.0)
    assert len(slots) == 1
    wait = await limits.take(["a"], 100.0)
    assert isinstance(wait, Wait)
    assert 101.0 <= wait.until < 101.1
    assert isinstance(await limits.take(["a"], wait.until), Slot)


async def test_keys_of_one_account_share_its_limits(make_limits):
    limits = make_limits(
        {"a": "one", "b": "one", "c": "two"},
        {"one": Budget(qps=4, rpm=240), "two": Budget(qps=4, rpm=240)},
    )
    sent = []
    for tick in range(1, 1000):
        sent += await take_all(limits, ["a", "b"], 100 + tick / 1000)
    assert len(sent) <= 4
    assert isinstance(await limits.take(["a", "b", "c"], 101.0), Slot)


async def test_nobody_to_take_is_an_endless_wait(make_limits):
    limits = make_limits({"a": "a"}, {"a": Budget(qps=1, rpm=60)})
    assert await limits.take([], 100.0) == Wait(inf)


async def test_tokens_really_used_replace_the_estimate(make_limits):
    limits = make_limits({"a": "a"}, {"a": Budget(qps=50, rpm=3000, tpm=1000)})
    slot = await limits.take(["a"], 100.0, tokens=1000)
    assert isinstance(slot, Slot)
    assert isinstance(await limits.take(["a"], 101.0, tokens=500), Wait)
    limits.used(slot, 200)
    assert isinstance(await limits.take(["a"], 101.0, tokens=500), Slot)
