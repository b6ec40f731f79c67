"""One task to its one end, with a provider that says what the test wants."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr
from redis.exceptions import ConnectionError as RedisConnectionError

from streaming.errors import (
    BadAnswer,
    KeyRejected,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    Throttled,
)
from streaming.messages import RiskAssessment
from streaming.metrics import Metrics
from streaming.scheduling.assess import Assessor, Policy, Withdrawn
from streaming.scheduling.budget import Budget
from streaming.scheduling.case import Prices, Progress
from streaming.scheduling.chat import MAX_IMAGE_BYTES, Reply, Sampling
from streaming.scheduling.key_pool import KeyPool
from streaming.scheduling.key_state import PoolKey
from streaming.scheduling.memory_limits import MemoryLimits
from streaming.scheduling.provider import Call
from streaming.scheduling.turnstile import Turnstile
from streaming.scheduling.verdict import Thresholds
from streaming.settings import ApiKey
from tests.unit.scheduling.cases import a_task
from tests.waiting import eventually_async

VERDICT = (
    '{"riskLevel":"high","confidence":0.9,"riskTypes":["x"],"description":"d",'
    '"dangerObjectCount":2,"triggerObjectIds":[1,2]}'
)
GOOD = Reply(VERDICT, "qwen-vl-plus", 1000, 100)
PROSE = Reply("I cannot say.", "qwen-vl-plus", 900, 10)
KEYS = {i: ApiKey(id=i, key=SecretStr(f"secret-{i}")) for i in ("a", "b", "c")}
POLICY = Policy(
    models=("first", "second"),
    sampling=Sampling(300, 0.1),
    language="en",
    thresholds=Thresholds(),
    retries=2,
    call_timeout_s=5.0,
    task_timeout_s=20.0,
    prices=Prices(prompt=0.01, completion=0.1),
)


class Scripted:
    """Answers in turn; the last one for ever."""

    def __init__(self, *script: Reply | ProviderError) -> None:
        self._script = list(script)
        self.calls: list[tuple[str, bytes]] = []

    async def ask(self, key: ApiKey, call: Call) -> Reply:
        self.calls.append((key.id, call.body))
        call.on_sent()
        answer = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        if isinstance(answer, ProviderError):
            raise answer
        return answer


class Images:
    def __init__(self, get: Callable[[], bytes | None] = lambda: None) -> None:
        self._get = get

    async def get(self, _ref: str, _max_bytes: int) -> bytes | None:
        return self._get()


async def assessed(
    provider: Scripted, *, policy: Policy = POLICY, images: Images | None = None, **task
) -> RiskAssessment:
    pool = KeyPool([PoolKey(i) for i in KEYS])
    limits = MemoryLimits()
    limits.configure({i: i for i in KEYS}, {i: Budget(1000, 60_000) for i in KEYS})
    async with Turnstile(pool, limits, max_concurrent=10) as turnstile:
        assessor = Assessor(
            provider=provider,
            turnstile=turnstile,
            images=images or Images(),
            keys=KEYS,
            policy=policy,
            notes={"cam-1": "parked cars"},
            metrics=Metrics(),
            rng=random.Random(1),
        )
        result = await assessor.assess(a_task(**task), Progress())
        assert turnstile.in_flight == 0
        return result


def soon(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


async def test_a_verdict_comes_with_everything_that_led_to_it():
    provider = Scripted(GOOD)
    result = await assessed(provider)
    assert (result.status, result.risk_level, result.confidence) == ("assessed", "high", 0.9)
    assert result.trigger_object_ids == (1, 2)
    assert (result.model, result.prompt_version, result.attempts) == ("qwen-vl-plus", "en-1", 1)
    assert result.key_id in KEYS
    assert result.usage.cost == pytest.approx(0.01 + 0.01)
    assert result.error is None
    assert not result.image_used
    assert result.latency.end_to_end_ms >= result.latency.llm_ms
    assert b"parked cars" in provider.calls[0][1]


@pytest.mark.parametrize("error", [ProviderUnavailable("503"), ProviderTimeout("slow")])
async def test_a_failing_call_is_tried_again_with_another_key(error):
    provider = Scripted(error, error, GOOD)
    result = await assessed(provider)
    assert (result.status, result.attempts) == ("assessed", 3)
    assert len({key for key, _ in provider.calls}) == 3


@pytest.mark.parametrize("error", [ProviderUnavailable("503"), ProviderTimeout("slow")])
async def test_after_so_many_retries_the_task_has_failed_with_the_reason(error):
    result = await assessed(Scripted(error))
    assert (result.status, result.risk_level, result.attempts) == ("failed", "unknown", 3)
    assert result.error is not None
    assert (result.error.type, result.error.message) == (error.error_type, str(error))


async def test_neither_429s_nor_dead_keys_use_up_the_retries():
    throttled = Throttled("429", cause="requests", retry_after_s=0.01)
    provider = Scripted(throttled, KeyRejected("401"), ProviderUnavailable("503"), GOOD)
    result = await assessed(provider, policy=replace(POLICY, retries=1))
    assert (result.status, result.attempts) == ("assessed", 4)


async def test_each_call_is_on_record_with_its_key_and_how_it_ended():
    throttled = Throttled("429", cause="requests", retry_after_s=0.01)
    provider = Scripted(throttled, PROSE, GOOD)
    result = await assessed(provider)
    assert [call.outcome for call in result.calls] == ["throttled", "bad_answer", "answered"]
    assert [call.key_id for call in result.calls] == [key for key, _ in provider.calls]
    assert [call.prompt_tokens > 0 for call in result.calls] == [False, True, True]
    assert sum(call.took_ms for call in result.calls) == pytest.approx(result.latency.llm_ms)
    assert result.attempts == len(result.calls)


async def test_calls_for_one_task_are_bounded_whatever_happens():
    throttled = Throttled("429", cause="requests", retry_after_s=0.0)
    provider = Scripted(throttled)
    result = await assessed(provider, deadline_at=soon(2))
    assert result.status == "failed"
    assert len(provider.calls) <= 12


async def test_an_answer_that_is_no_verdict_is_repaired_once():
    provider = Scripted(PROSE, GOOD)
    result = await assessed(provider)
    assert (result.status, result.attempts) == ("assessed", 2)
    assert result.usage.prompt_tokens == 1900
    assert b"I cannot say." in provider.calls[1][1]
    assert b"no JSON object" in provider.calls[1][1]


@pytest.mark.parametrize("answer", [PROSE, BadAnswer("the body is no chat completion")])
async def test_an_answer_that_is_no_verdict_twice_is_a_failure_not_a_none(answer):
    provider = Scripted(answer)
    result = await assessed(provider)
    assert (result.status, result.risk_level, result.attempts) == ("failed", "unknown", 2)
    assert result.error is not None
    assert result.error.type == "bad_answer"


async def test_past_its_deadline_a_task_expires_without_a_call():
    provider = Scripted(GOOD)
    result = await assessed(provider, deadline_at=soon(-1))
    assert (result.status, result.risk_level, result.attempts) == ("expired", "unknown", 0)
    assert provider.calls == []


async def test_a_deadline_between_tries_is_a_failure_of_the_last_try():
    provider = Scripted(ProviderUnavailable("503: overloaded"))
    patient = replace(POLICY, retries=50)
    result = await assessed(provider, policy=patient, deadline_at=soon(0.5))
    assert result.status == "failed"
    assert result.error is not None
    assert result.error.message == "503: overloaded"


@pytest.mark.parametrize(
    ("get", "used"),
    [
        (lambda: b"\xff\xd8jpeg", True),
        (lambda: None, False),
        (lambda: b"", False),
        (lambda: b"<html>", False),
        (lambda: b"\xff\xd8" + b"0" * MAX_IMAGE_BYTES, False),
    ],
    ids=["jpeg", "expired", "empty", "no jpeg", "too large"],
)
async def test_an_image_that_cannot_be_used_leaves_the_geometry(get, used):
    provider = Scripted(GOOD)
    result = await assessed(provider, images=Images(get), image_ref="r")
    assert (result.status, result.image_used) == ("assessed", used)
    assert (b"data:image/jpeg" in provider.calls[0][1]) is used
    assert (b"There is no picture" in provider.calls[0][1]) is not used


async def test_redis_being_away_leaves_the_geometry():
    def away() -> bytes | None:
        raise RedisConnectionError("gone")

    result = await assessed(Scripted(GOOD), images=Images(away), image_ref="r")
    assert (result.status, result.image_used) == ("assessed", False)


async def test_a_task_without_objects_is_asked_about_all_the_same():
    result = await assessed(Scripted(GOOD), objects=())
    assert (result.trigger_object_ids, result.danger_object_count) == ((), 0)


async def test_a_withdrawn_task_is_not_tried_again():
    progress = Progress()

    class Slow(Scripted):
        async def ask(self, key: ApiKey, call: Call) -> Reply:
            progress.withdrawn = True
            return await super().ask(key, call)

    provider = Slow(ProviderUnavailable("503"))
    pool = KeyPool([PoolKey("a")])
    limits = MemoryLimits()
    limits.configure({"a": "a"}, {"a": Budget(1000, 60_000)})
    async with Turnstile(pool, limits, max_concurrent=1) as turnstile:
        assessor = Assessor(
            provider, turnstile, Images(), KEYS, POLICY, notes={}, metrics=Metrics()
        )
        with pytest.raises(Withdrawn):
            await assessor.assess(a_task(), progress)
        assert not progress.calling
    assert len(provider.calls) == 1


async def test_a_call_cut_off_gives_its_slot_back():
    class Hangs(Scripted):
        async def ask(self, key: ApiKey, call: Call) -> Reply:
            self.calls.append((key.id, call.body))
            await asyncio.Event().wait()
            raise AssertionError

    provider = Hangs(GOOD)
    pool = KeyPool([PoolKey("a")])
    limits = MemoryLimits()
    limits.configure({"a": "a"}, {"a": Budget(1000, 60_000)})
    async with Turnstile(pool, limits, max_concurrent=1) as turnstile:
        assessor = Assessor(
            provider, turnstile, Images(), KEYS, POLICY, notes={}, metrics=Metrics()
        )
        task = asyncio.create_task(assessor.assess(a_task(), Progress()))
        await eventually_async(lambda: len(provider.calls) == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert turnstile.in_flight == 0
