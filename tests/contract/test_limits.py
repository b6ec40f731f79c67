"""What every kind of limits keeps: those of one process, and those shared through Redis.

Both run by a clock that the test turns.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from math import inf
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streaming.redis_client import connect_async
from streaming.scheduling.budget import Budget, Lesson, Lessons, Pacing
from streaming.scheduling.limits import Limits, Slot, Wanted
from streaming.scheduling.memory_limits import MemoryLimits
from streaming.scheduling.redis_limits import RedisLimits
from streaming.settings import RedisSettings
from tests.unit.scheduling.windows import most_in_any

MODEL = "qwen-vl-plus"
NOT_LEARNT = Lesson(0.0, 0.0, 0.0, 0.0)
EXACT = Pacing(burst=1, lessons=Lessons(NOT_LEARNT, NOT_LEARNT, NOT_LEARNT))


class Clock:
    """Seconds; the test sets `now`."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "redis", "cluster"])
async def make_limits(
    request: pytest.FixtureRequest, clock: Clock
) -> AsyncIterator[Callable[..., Limits]]:
    clients: list[Any] = []
    url = ""
    if request.param == "redis":
        url = request.getfixturevalue("redis_url")
    elif request.param == "cluster":
        nodes = request.getfixturevalue("redis_cluster")
        nodes.empty()
        url = nodes.url

    def make(
        budgets: Mapping[str, Budget],
        accounts: Mapping[str, str] | None = None,
        pacing: Pacing | None = None,
    ) -> Limits:
        limits: Limits
        if request.param == "memory":
            limits = MemoryLimits(pacing or EXACT)
        else:
            client = connect_async(RedisSettings(url=url))
            clients.append(client)
            limits = RedisLimits(client, "1", pacing or EXACT, clock=clock, redis_now=clock)
        limits.configure(accounts or {k: k for k in budgets}, budgets)
        return limits

    yield make
    for client in clients:
        await client.aclose()


async def take(limits: Limits, keys: list[str], now: float, **kw: Any) -> Slot | None:
    """A slot that may be used at once, or none."""
    defaults: dict[str, Any] = {"model": MODEL, "ahead": 0}
    offer = await limits.take(Wanted(keys, **(defaults | kw)), now)
    return offer.slots[0] if offer.slots else None


async def take_all(limits: Limits, keys: list[str], now: float) -> list[Slot]:
    slots = []
    while slot := await take(limits, keys, now):
        slots.append(slot)
    return slots


async def test_the_first_candidate_with_room_is_taken(make_limits, clock):
    limits = make_limits({"a": Budget(1, 60), "b": Budget(1, 60)})
    slots = [await take(limits, ["b", "a"], clock()) for _ in range(3)]
    assert [slot and slot.key_id for slot in slots] == ["b", "a", None]


async def test_who_must_wait_learns_until_when_and_is_served_then(make_limits, clock):
    limits = make_limits({"a": Budget(0.25, 60)})
    assert await take(limits, ["a"], clock())
    offer = await limits.take(Wanted(["a"], MODEL), clock())
    assert offer.slots == ()
    assert offer.until == pytest.approx(clock() + 3.0)  # a second before the fourth is over
    clock.now = offer.until
    offer = await limits.take(Wanted(["a"], MODEL), clock())
    assert [slot.at for slot in offer.slots] == [pytest.approx(1_004.0)]


async def test_slots_ahead_lie_an_interval_apart_and_no_more_are_given_than_wished(
    make_limits, clock
):
    limits = make_limits({"a": Budget(10, 6000), "b": Budget(10, 6000)})
    offer = await limits.take(Wanted(["a", "b"], MODEL, count=9, ahead=4), clock())
    at = [round(slot.at - clock(), 3) for slot in offer.slots]
    assert at == [0.0, 0.0, 0.1, 0.1, 0.2, 0.2]
    assert {slot.key_id for slot in offer.slots} == {"a", "b"}


async def test_keys_of_one_account_share_its_limits(make_limits, clock):
    limits = make_limits(
        {"one": Budget(4, 240), "two": Budget(4, 240)}, {"a": "one", "b": "one", "c": "two"}
    )
    sent = []
    for _ in range(100):
        sent += await take_all(limits, ["a", "b"], clock())
        clock.now += 0.00999
    assert len(sent) == 4
    assert (await take(limits, ["a", "b", "c"], clock())).key_id == "c"


async def test_each_model_of_an_account_has_limits_of_its_own(make_limits, clock):
    limits = make_limits({"a": Budget(1, 60)})
    assert await take(limits, ["a"], clock())
    assert await take(limits, ["a"], clock()) is None
    assert await take(limits, ["a"], clock(), model="qwen-vl-max")


async def test_nobody_to_take_is_an_endless_wait(make_limits, clock):
    limits = make_limits({"a": Budget(1, 60)})
    offer = await limits.take(Wanted([], MODEL), clock())
    assert (offer.slots, offer.until) == ((), inf)


async def test_a_call_that_left_late_counts_from_when_it_left(make_limits, clock):
    limits = make_limits({"a": Budget(1, 6000)})
    slot = await take(limits, ["a"], clock())
    limits.sent(slot, clock() + 0.7)
    clock.now += 1.69
    assert await take(limits, ["a"], clock()) is None
    clock.now += 0.02
    assert await take(limits, ["a"], clock())


async def test_a_slot_that_was_not_used_leaves_room_in_the_minute(make_limits, clock):
    limits = make_limits({"a": Budget(10, 2)}, pacing=Pacing(smooth=False, lessons=EXACT.lessons))
    first, _ = await take_all(limits, ["a"], clock())
    limits.unused(first)
    clock.now += 5
    assert await take(limits, ["a"], clock())
    assert await take(limits, ["a"], clock()) is None


async def test_smooth_lets_a_small_burst_go_and_then_one_each_interval(make_limits, clock):
    limits = make_limits({"a": Budget(10, 300)}, pacing=Pacing(burst=3, lessons=EXACT.lessons))
    begun, sent = clock(), []
    while clock() < begun + 1.98:
        sent += [clock() - begun for _ in await take_all(limits, ["a"], clock())]
        clock.now += 0.05
    assert sent[:3] == [0.0, 0.0, 0.0]
    assert sent[3:] == pytest.approx([0.2 * i for i in range(1, 10)], abs=0.051)


async def test_burst_lets_a_whole_second_go_at_once(make_limits, clock):
    limits = make_limits({"a": Budget(10, 30)}, pacing=Pacing(smooth=False, lessons=EXACT.lessons))
    assert len(await take_all(limits, ["a"], clock())) == 10
    clock.now += 1.001
    assert len(await take_all(limits, ["a"], clock())) == 10
    clock.now += 1.001
    assert len(await take_all(limits, ["a"], clock())) == 10
    clock.now += 1.001
    assert await take_all(limits, ["a"], clock()) == []


async def test_tokens_really_used_replace_the_estimate(make_limits, clock):
    limits = make_limits({"a": Budget(50, 3000, tpm=1000)})
    slot = await take(limits, ["a"], clock(), tokens=1000)
    clock.now += 1
    assert await take(limits, ["a"], clock(), tokens=500) is None
    limits.ended(slot, 200)
    assert await take(limits, ["a"], clock(), tokens=500)
    assert await take(limits, ["a"], clock(), tokens=500) is None
    clock.now += 60
    assert await take(limits, ["a"], clock(), tokens=500)


async def test_a_call_larger_than_the_token_limit_goes_alone(make_limits, clock):
    limits = make_limits({"a": Budget(50, 3000, tpm=1000)})
    assert await take(limits, ["a"], clock(), tokens=5000)
    clock.now += 30
    assert await take(limits, ["a"], clock(), tokens=1) is None


async def test_no_more_calls_are_under_way_than_may_be(make_limits, clock):
    limits = make_limits({"a": Budget(50, 3000, in_flight=2), "b": Budget(50, 3000)})
    first = await take(limits, ["a"], clock())
    clock.now += 0.1
    assert await take(limits, ["a"], clock())
    clock.now += 0.1
    offer = await limits.take(Wanted(["a"], MODEL), clock())
    assert (offer.slots, offer.until) == ((), pytest.approx(clock() + 0.1))
    assert (await take(limits, ["a", "b"], clock())).key_id == "b"
    limits.ended(first, None)
    assert (await take(limits, ["a"], clock())).key_id == "a"


async def test_the_call_of_an_instance_that_died_is_under_way_no_longer_than_any_can_be(
    make_limits, clock
):
    limits = make_limits({"a": Budget(50, 3000, in_flight=1)})
    assert await take(limits, ["a"], clock())
    clock.now += 59
    assert await take(limits, ["a"], clock()) is None
    clock.now += 2
    assert await take(limits, ["a"], clock())


MARGINS = Lessons(
    second_s=Lesson(0.0, 0.1, 0.1, 0.25, half_life_s=600),
    minute_s=Lesson(0.0, 0.0, 1.0, 5.0),
    tokens=Lesson(0.0, 0.0, 0.1, 0.5),
)


@pytest.mark.parametrize(
    ("cause", "interval_s"),
    [("burst", 1.2), ("requests", 1.1), ("tokens", 1.1), ("unknown", 1.2)],
)
async def test_a_429_widens_the_window_that_it_was_about(make_limits, clock, cause, interval_s):
    limits = make_limits({"a": Budget(1, 6000)}, pacing=Pacing(burst=1, lessons=MARGINS))
    slot = await take(limits, ["a"], clock())
    limits.refused(slot, cause, clock(), clock() + 30)
    limits.refused(slot, cause, clock(), clock() + 30)  # refused together: one lesson
    clock.now += 29.9
    assert await take(limits, ["a"], clock()) is None
    clock.now += 0.2
    offer = await limits.take(Wanted(["a"], MODEL, count=2, ahead=0), clock())
    assert len(offer.slots) == 1
    begun = clock()
    while not await take(limits, ["a"], clock()):
        clock.now += 0.01
    # In half a minute a twentieth part of the half-life has gone by.
    assert clock() - begun == pytest.approx(interval_s, abs=0.03)


async def test_what_was_learnt_fades_by_half_every_half_life(make_limits, clock):
    limits = make_limits({"a": Budget(1, 6000)}, pacing=Pacing(burst=1, lessons=MARGINS))
    slot = await take(limits, ["a"], clock())
    for _ in range(4):
        limits.refused(slot, "burst", clock(), clock())
        await take(limits, ["a"], clock())
        clock.now += 2
    learnt = (await limits.look(MODEL, clock()))["a"].margin_s
    assert learnt == pytest.approx(0.25, abs=0.01)  # the cap
    clock.now += 600
    assert (await limits.look(MODEL, clock()))["a"].margin_s == pytest.approx(learnt / 2, abs=0.01)


async def test_a_budget_that_changes_counts_at_once(make_limits, clock):
    limits = make_limits({"a": Budget(1, 60)})
    assert await take(limits, ["a"], clock())
    limits.configure({"a": "a", "b": "b"}, {"a": Budget(10, 600), "b": Budget(1, 60)})
    assert (await take(limits, ["b"], clock())).key_id == "b"
    clock.now += 1.01
    sent = []
    for _ in range(100):
        sent += await take_all(limits, ["a"], clock())
        clock.now += 0.01
    assert len(sent) == 10


async def test_how_a_key_stands_is_told(make_limits, clock):
    limits = make_limits({"a": Budget(10, 300)}, pacing=Pacing())
    slot = await take(limits, ["a"], clock())
    limits.refused(slot, "burst", clock(), clock() + 7)
    await take(limits, ["a"], clock())
    standing = (await limits.look(MODEL, clock()))["a"]
    assert standing.remaining_minute == 299
    assert standing.held_s == pytest.approx(7)
    assert standing.margin_s == pytest.approx(0.020)


UNFADING = Lessons(
    second_s=Lesson(0.010, 0.015, 0.005, 0.25, half_life_s=1e9),
    minute_s=Lesson(0.25, 0.25, 0.25, 5.0, half_life_s=1e9),
    tokens=Lesson(0.0, 0.0, 0.1, 0.5, half_life_s=1e9),
)
STEPS = st.lists(
    st.tuples(
        st.integers(0, 200).map(lambda n: n / 99),  # seconds later
        st.sampled_from([["a", "b"], ["c"]]),  # one account a step: no ties to be broken
        st.integers(1, 5),  # slots wished
        st.integers(0, 3),  # of them ahead
        st.sampled_from(["sent", "unused", "late", "burst", "requests", "nothing"]),
    ),
    min_size=1,
    max_size=40,
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS, smooth=st.booleans(), qps=st.sampled_from([0.5, 2.0, 7.5]))
def test_both_kinds_decide_alike_and_keep_every_window(redis_url, steps, smooth, qps):
    asyncio.run(_both_alike(redis_url, steps, smooth, qps))


async def _both_alike(url: str, steps: list[Any], smooth: bool, qps: float) -> None:
    clock = Clock()
    async with connect_async(RedisSettings(url=url)) as client:
        await client.flushdb()
        # Redis keeps what it computed, memory computes anew: what fades would differ by a hair.
        pacing = Pacing(smooth=smooth, lessons=UNFADING)
        kinds: list[Limits] = [
            MemoryLimits(pacing),
            RedisLimits(client, "1", pacing, clock=clock, redis_now=clock),
        ]
        budgets = {"one": Budget(qps, 20, tpm=9_000), "two": Budget(2 * qps, 30, in_flight=4)}
        for limits in kinds:
            limits.configure({"a": "one", "b": "one", "c": "two"}, budgets)
        sends: dict[str, list[float]] = {}
        for later_s, keys, count, ahead, then in steps:
            clock.now += later_s
            wanted = Wanted(keys, MODEL, count, ahead, tokens=1_500)
            offers = [await limits.take(wanted, clock()) for limits in kinds]
            mine, theirs = (offer.slots for offer in offers)
            assert [s.key_id for s in mine] == [s.key_id for s in theirs]
            assert [s.at for s in mine] == pytest.approx([s.at for s in theirs], abs=1e-4)
            assert offers[0].until == pytest.approx(offers[1].until, abs=1e-4)
            for slots in zip(mine, theirs, strict=True):
                at = _use(kinds, slots, then, clock)
                if at is not None:
                    sends.setdefault(slots[0].scope, []).append(at)
        for scope, at in sends.items():
            budget = budgets[scope.partition(" ")[2]]
            assert most_in_any(sorted(at), 1.0) <= max(1, budget.qps)
            assert most_in_any(sorted(at), 60.0) <= budget.rpm


def _use(kinds: list[Limits], slots: tuple[Slot, ...], then: str, clock: Clock) -> float | None:
    """Do the same with a slot of each kind; when it was sent, if it was."""
    at = max(slots[0].at, clock()) + (0.3 if then == "late" else 0.0)
    for limits, slot in zip(kinds, slots, strict=True):
        if then == "unused":
            limits.unused(slot)
            continue
        limits.sent(slot, at)
        if then in {"burst", "requests"}:
            limits.refused(slot, then, clock(), clock() + 0.7123)
        if then != "nothing":
            limits.ended(slot, 1_200)
    return None if then == "unused" else at
