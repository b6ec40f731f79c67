"""Our client against the simulator: every way to fail has one error, and no error shows the key."""

import traceback
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from pydantic import SecretStr

from streaming.errors import (
    BadAnswer,
    KeyRejected,
    ProviderTimeout,
    ProviderUnavailable,
    Throttled,
)
from streaming.scheduling.chat import Sampling, request
from streaming.scheduling.keys_verify import verify
from streaming.scheduling.prompt import Question, build
from streaming.scheduling.provider import Call, Provider
from streaming.scheduling.verdict import Thresholds, parse
from streaming.settings import ApiKey, ProviderSettings, Settings
from tests.provider_simulator import RunningSimulator, running, sim_keys
from tests.unit.scheduling.cases import a_task

KEY = ApiKey(id="sim-1", key=SecretStr("secret-1"))
BODY = request("qwen-vl-plus", build(a_task(), Question("zh")), Sampling(300, 0.1))


@pytest.fixture
def simulator():
    with running(sim_keys(3, qps=100, rpm=1000)) as found:
        yield found


def a_provider(base_url: str, **kw) -> Provider:
    return Provider(ProviderSettings(base_url=base_url, **kw), max_connections=4)


async def test_an_answer_is_a_verdict_and_the_moment_of_sending_is_told(simulator):
    sent = []
    async with a_provider(simulator.base_url) as provider:
        call = Call(BODY, 5.0, "t-1", lambda: sent.append(simulator.stats()["calls"]))
        answer = await provider.ask(KEY, call)
    assert sent == [0]
    assert parse(answer.text, [1, 2], Thresholds()).risk_level in {"medium", "high"}
    assert (answer.model, answer.prompt_tokens > 0) == ("qwen-vl-plus", True)
    assert simulator.stats()["tasks"] == {"t-1": 1}


@pytest.mark.parametrize(
    ("faults", "kind", "says"),
    [
        ({"error_rate": 1.0}, ProviderUnavailable, "500"),
        ({"hang_rate": 1.0}, ProviderTimeout, "0.3 s"),
        ({"slow_rate": 1.0}, ProviderTimeout, "0.3 s"),
        ({"html": True}, ProviderUnavailable, "provider.base_url"),
        ({"down": True}, ProviderUnavailable, "provider.base_url"),
        ({"huge": True}, BadAnswer, "provider.max_answer_bytes"),
        ({"dead_keys": ("sim-1",)}, KeyRejected, "trafficmon keys verify"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
async def test_each_fault_is_one_error_that_says_what_to_do(simulator, faults, kind, says):
    simulator.break_it(**faults)
    async with a_provider(simulator.base_url, max_answer_bytes=100_000) as provider:
        with pytest.raises(kind, match=says) as caught:
            await provider.ask(KEY, Call(BODY, 0.3 if kind is ProviderTimeout else 10.0))
    assert "secret-1" not in "".join(traceback.format_exception(caught.value))


async def test_too_many_calls_are_throttled_with_their_cause():
    with running(sim_keys(1, qps=1, rpm=1000)) as simulator:
        async with a_provider(simulator.base_url) as provider:
            await provider.ask(KEY, Call(BODY, 5.0))
            with pytest.raises(Throttled) as caught:
                await provider.ask(KEY, Call(BODY, 5.0))
    assert caught.value.cause == "burst"


@pytest.mark.parametrize(
    "base_url",
    ["http://127.0.0.1:1/v1", "http://user:pass@127.0.0.1:1/v1", "http://no-such-host.invalid/v1"],
)
async def test_nobody_there_is_an_error_that_names_the_setting(base_url):
    async with a_provider(base_url) as provider:
        with pytest.raises(ProviderUnavailable, match=r"provider\.base_url") as caught:
            await provider.ask(KEY, Call(BODY, 5.0))
    assert "pass@" not in str(caught.value)


@pytest.fixture
async def odd_server() -> AsyncIterator[tuple[str, dict]]:
    """Answers whatever the test puts into `answer`, and repeats the key it was given."""
    answer: dict = {}

    async def handle(request: web.Request) -> web.Response:
        key = request.headers["authorization"]
        body = answer["body"].replace(b"KEY", key.encode())
        return web.Response(status=answer["status"], body=body, headers=answer.get("headers"))

    app = web.Application()
    app.router.add_post("/v1/chat/completions", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1", answer
    await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"", BadAnswer),
        (200, b"[]", BadAnswer),
        (200, b'{"choices": []}', BadAnswer),
        (302, b"", ProviderUnavailable),
        (401, b'{"error":{"message":"bad key KEY"}}', KeyRejected),
        (500, b"KEY", ProviderUnavailable),
    ],
)
async def test_an_odd_answer_is_one_of_our_errors_without_the_key(odd_server, status, body, kind):
    base_url, answer = odd_server
    answer.update(status=status, body=body, headers={"location": "http://elsewhere/"})
    async with a_provider(base_url) as provider:
        with pytest.raises(kind) as caught:
            await provider.ask(KEY, Call(BODY, 5.0))
    assert "secret-1" not in str(caught.value)


def test_keys_are_verified_by_id_only(simulator: RunningSimulator):
    simulator.break_it(dead_keys=("sim-2",))
    settings = simulator.for_settings(Settings())
    off = settings.api_keys[2].model_copy(update={"enabled": False})
    settings = settings.model_copy(update={"api_keys": (*settings.api_keys[:2], off)})
    good, dead = verify(settings)
    assert (good.key_id, good.valid, good.error) == ("sim-1", True, None)
    assert good.latency_ms is not None
    assert (dead.key_id, dead.valid) == ("sim-2", False)
    assert "api_keys" in (dead.error or "")
    assert "secret" not in str([good.as_dict(), dead.as_dict()])


def test_keys_cannot_be_verified_at_an_address_that_is_none(simulator: RunningSimulator):
    settings = simulator.for_settings(Settings())
    provider = settings.provider.model_copy(update={"base_url": "http://127.0.0.1:1/v1"})
    checks = verify(settings.model_copy(update={"provider": provider}))
    assert [c.valid for c in checks] == [False] * 3
    assert all("provider.base_url" in (c.error or "") for c in checks)
