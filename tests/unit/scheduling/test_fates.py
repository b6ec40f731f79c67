"""What each outcome does to the key and to the task, from the bytes of an answer to the end."""

import json
from datetime import UTC, datetime

import pytest

from streaming.errors import ProviderError
from streaming.scheduling.key_state import Cooldown, KeyState, PoolKey
from streaming.scheduling.outcomes import FATES, Outcome
from streaming.scheduling.vendor_errors import Response, error_of
from streaming.settings.vendors import Vendor
from tests.unit.scheduling.test_answers import World

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ANSWERS: dict[Outcome, tuple[int, object]] = {
    Outcome.THROTTLED_REQUESTS: (429, {"code": "limit_requests"}),
    Outcome.THROTTLED_TOKENS: (429, {"code": "limit_tokens"}),
    Outcome.THROTTLED_BURST: (429, {"code": "limit_burst_rate"}),
    Outcome.THROTTLED_CONCURRENCY: (429, {"message": "too many concurrent requests"}),
    Outcome.THROTTLED: (429, {}),
    Outcome.OWES_MONEY: (402, {}),
    Outcome.KEY_REFUSED: (401, {}),
    Outcome.MODEL_REFUSED: (403, {"code": "Model.AccessDenied"}),
    Outcome.MODEL_MISSING: (404, {"code": "model_not_found"}),
    Outcome.CONTENT_REFUSED: (400, {"code": "content_filter"}),
    Outcome.REQUEST_REFUSED: (400, {"message": "bad image"}),
    Outcome.OVERLOADED: (529, {}),
    Outcome.UNAVAILABLE: (500, {}),
    Outcome.TIMED_OUT: (504, {}),
    Outcome.NOT_A_PROVIDER: (404, {"detail": "Not Found"}),
}


def error_for(outcome: Outcome, **headers: str) -> ProviderError:
    status, body = ANSWERS[outcome]
    lowered = {name.replace("_", "-"): value for name, value in headers.items()}
    return error_of(
        Response(status, lowered, json.dumps(body).encode()),
        base_url="http://10.0.0.7/v1",
        vendor=Vendor.OTHER,
        key_id="k",
        secret="sk",
        now=NOW,
    )


def a_key() -> KeyState:
    return KeyState(PoolKey("k"), 0, Cooldown())


@pytest.mark.parametrize("outcome", ANSWERS)
def test_the_key_fares_as_the_table_says(outcome):
    key = a_key()
    for _ in range(7):
        key.started(0.0)
        key.failed(error_for(outcome), 0.0)
    found = {"available": "kept", "cooling": "rests", "disabled": "disabled"}[key.status(0.0)]
    expected = FATES[outcome].key
    assert found == ("kept" if expected == "left out for this model" else expected)


@pytest.mark.parametrize("outcome", ANSWERS)
async def test_the_task_fares_as_the_table_says(outcome):
    world = World(error_for(outcome), keys=("k", "l"))
    result = await world.assess()
    assert (result.status, result.attempts) == ("assessed", 2)
    first, second = world.gate.avoided
    match FATES[outcome].task:
        case "another key":
            assert (first, second, world.provider.models) == (set(), {"k"}, ["first", "first"])
        case "again later":
            assert (second, world.provider.models) == ({"k"}, ["first", "first"])
        case "another model":
            assert world.provider.models == ["first", "second"]


@pytest.mark.parametrize("header", [{"retry_after": "7"}, {"retry_after_ms": "7000"}])
@pytest.mark.parametrize("outcome", [Outcome.OVERLOADED, Outcome.UNAVAILABLE, Outcome.THROTTLED])
def test_a_named_wait_is_kept_whatever_the_status(outcome, header):
    key = a_key()
    key.started(0.0)
    key.failed(error_for(outcome, **header), 0.0)
    assert (key.status(6.9), key.status(7.0)) == ("cooling", "available")


async def test_a_model_that_one_key_may_not_use_is_asked_with_the_other():
    world = World(error_for(Outcome.MODEL_REFUSED), keys=("k", "l"))
    for name in ("a", "b"):
        assert (await world.assess(name)).model == "first"
    assert world.gate.avoided == [set(), {"k"}, {"k"}]  # the second task does not try it again


async def test_a_model_that_no_key_may_use_is_left_for_the_next_one():
    world = World(
        error_for(Outcome.MODEL_REFUSED), error_for(Outcome.MODEL_REFUSED), keys=("k", "l")
    )
    assert (await world.assess("a")).attempts == 3
    assert (await world.assess("b")).attempts == 1
    assert world.provider.models == ["first", "first", "second", "second"]
