"""A call that takes longer than its model's calls do is asked again with another key."""

import asyncio
from typing import Any

import pytest

from streaming.errors import ProviderUnavailable
from streaming.scheduling.chat import Reply
from streaming.scheduling.hedging import Hedging
from streaming.scheduling.provider import Call
from streaming.settings import ApiKey
from tests.unit.scheduling.test_answers import VERDICT, World


def learnt(share: float = 1.0, floor_s: float = 0.01) -> Hedging:
    hedging = Hedging(share, floor_s)
    for _ in range(50):
        hedging.took("first", 0.001)
    return hedging


# --- the rule -----------------------------------------------------------------------------------


def test_nothing_is_overdue_before_fifty_answers_are_known():
    hedging = Hedging(0.03)
    for _ in range(49):
        hedging.took("m", 5.0)
    assert hedging.after_s("m") is None
    hedging.took("m", 5.0)
    assert (hedging.after_s("m"), hedging.after_s("other")) == (5.0, None)


def test_a_call_is_overdue_beyond_the_models_own_p99_and_never_within_a_second():
    hedging = Hedging(0.03)
    for n in range(200):
        hedging.took("m", 2.0 if n % 100 == 0 else 0.2)
        hedging.took("slow", 4.0 + n / 100)
    assert hedging.after_s("m") == 2.0
    assert hedging.after_s("slow") == pytest.approx(5.98, abs=0.03)
    for _ in range(500):
        hedging.took("m", 0.2)
    assert hedging.after_s("m") == 1.0


def test_second_calls_are_at_most_their_share_of_all_calls():
    hedging = Hedging(0.03)
    made = 0
    for _ in range(1000):
        hedging.began()
        made += hedging.may_hedge(in_flight=50)
    assert made <= 31


def test_what_was_not_used_is_saved_for_a_handful_and_no_more():
    hedging = Hedging(0.03)
    for _ in range(10_000):
        hedging.began()
    assert sum(hedging.may_hedge(in_flight=50) for _ in range(100)) == 5


def test_none_while_a_tenth_of_the_calls_under_way_is_overdue():
    hedging = Hedging(1.0, overdue=6)
    assert not hedging.may_hedge(in_flight=50)
    hedging.overdue = 5
    assert hedging.may_hedge(in_flight=50)


def test_a_share_of_nothing_turns_it_off():
    assert learnt(share=0.0).after_s("first") is None


# --- at work ------------------------------------------------------------------------------------


class Hanging:
    """The first `hangs` calls never answer; the others do what `then` says."""

    def __init__(self, hangs: int, then: Any = None) -> None:
        self.hangs, self.then = hangs, then
        self.keys: list[str] = []
        self.cancelled = 0
        self.twice = asyncio.Event()

    async def ask(self, key: ApiKey, _call: Call) -> Reply:
        self.keys.append(key.id)
        if len(self.keys) == 2:
            self.twice.set()
        if len(self.keys) > self.hangs:
            if self.then is not None:
                raise self.then
            return Reply(VERDICT, "", 1000, 100)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        raise AssertionError("unreachable")


def a_world(provider: Hanging, **policy: Any) -> World:
    world = World(keys=("k", "l"), **policy)
    world.assessor.provider = provider
    caller = world.assessor._caller
    caller.provider, caller.hedging = provider, learnt()
    return world


async def test_a_hung_call_costs_the_task_little_and_its_answer_is_anothers():
    provider = Hanging(1)
    world = a_world(provider)
    result = await world.assess()
    assert (result.status, result.risk_level, result.key_id) == ("assessed", "high", "l")
    assert (provider.keys, provider.cancelled) == (["k", "l"], 1)
    assert [call.outcome for call in result.calls] == ["cancelled", "answered"]
    assert sorted(world.gate.ends) == ["failed", "succeeded"]  # the key that hung is told so
    assert world.assessor.metrics.hedged_calls._value.get() == 1


async def test_the_error_of_a_second_call_leaves_the_first_its_time():
    provider = Hanging(1, then=ProviderUnavailable("500"))
    world = a_world(provider)
    task = asyncio.create_task(world.assess())
    async with asyncio.timeout(10):
        await provider.twice.wait()
        while world.gate.ends != ["failed"]:  # noqa: ASYNC110 - the gate has no event
            await asyncio.sleep(0)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert provider.cancelled == 1
    assert world.assessor._caller.hedging.overdue == 0


async def test_both_are_given_up_with_their_task():
    provider = Hanging(2)
    world = a_world(provider)
    task = asyncio.create_task(world.assess())
    async with asyncio.timeout(10):
        await provider.twice.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert provider.cancelled == 2
    assert len(world.gate.ends) == 2


async def test_without_leave_the_first_call_is_waited_for():
    provider = Hanging(0)
    world = a_world(provider)
    world.assessor._caller.hedging = learnt(share=0.0)
    assert (await world.assess()).attempts == 1
