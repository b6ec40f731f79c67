"""Our client against the simulator: every way to fail has one error, and no error shows the key."""

import asyncio
import json
import socket
import traceback
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from pydantic import SecretStr

from streaming.errors import (
    AccountExhausted,
    BadAnswer,
    BadRequest,
    KeyRejected,
    ModelMissing,
    ModelRefused,
    NoFreeConnection,
    ParameterRefused,
    ProviderTimeout,
    ProviderUnavailable,
    Throttled,
)
from streaming.scheduling.chat import CHEAPEST, Sampling, cheapest_request, request
from streaming.scheduling.prompt import Question, build
from streaming.scheduling.provider import Call, Provider
from streaming.scheduling.verdict import Thresholds, parse
from streaming.settings import ApiKey, ProviderSettings
from tests.provider_simulator import running, sim_keys
from tests.unit.scheduling.cases import a_task
from tests.waiting import eventually_async

KEY = ApiKey(id="sim-1", key=SecretStr("secret-1"))
BODY = request("qwen-vl-plus", build(a_task(), Question("zh")))


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
        ({"empty": True}, BadAnswer, "the body is empty"),
        ({"unknown_models": ("qwen-vl-plus",)}, ModelMissing, "provider.model"),
        ({"arrears_keys": ("sim-1",)}, AccountExhausted, "out of credit"),
        ({"forbidden_keys": ("sim-1",)}, ModelRefused, "403"),
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
    answer: dict = {"status": 200, "body": b"{}", "requests": [], "headers_sent": [], "paths": []}

    async def handle(request: web.Request) -> web.Response:
        answer["requests"].append(await request.read())
        answer["headers_sent"].append({k.lower(): v for k, v in request.headers.items()})
        answer["paths"].append(request.path_qs)
        key = request.headers.get("authorization", "")
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


# --- four timeouts, each with its setting ---------------------------------------------------------


@pytest.fixture
async def deaf_server() -> AsyncIterator[str]:
    """Accepts connections and reads nothing at all, or reads everything and says nothing."""
    connections = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()
        connections.append(writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, limit=1024)
    server.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    for writer in connections:
        writer.transport.abort()
    server.close()


LONG_BODY = request("m", build(a_task(), Question("zh")), image=b"\xff\xd8" * 3_400_000)


async def test_a_server_that_takes_nothing_of_a_request_meets_the_write_timeout(deaf_server):
    async with a_provider(deaf_server, write_timeout_s=0.3) as provider:
        with pytest.raises(ProviderTimeout, match=r"0\.3 s \(provider\.write_timeout_s\)"):
            await provider.ask(KEY, Call(LONG_BODY, 30.0))


@pytest.mark.parametrize("faults", [{"hang_rate": 1.0}], ids=str)
async def test_a_silent_server_meets_the_read_timeout(simulator, faults):
    simulator.break_it(**faults)
    async with a_provider(simulator.base_url, read_timeout_s=0.3) as provider:
        with pytest.raises(ProviderTimeout, match=r"0\.3 s \(provider\.read_timeout_s\)"):
            await provider.ask(KEY, Call(BODY, 30.0))


async def test_bytes_that_drip_keep_the_read_timeout_off_but_not_the_total(simulator):
    simulator.break_it(slow_rate=1.0)
    async with a_provider(simulator.base_url, read_timeout_s=20) as provider:
        with pytest.raises(ProviderTimeout, match=r"scheduler\.timeout_seconds"):
            await provider.ask(KEY, Call(BODY, 0.4))


async def test_a_host_that_does_not_answer_meets_the_connect_timeout():
    # A listener whose queue is full takes no further connection.
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        fill = [socket.socket() for _ in range(4)]
        for s in fill:
            s.setblocking(False)
            s.connect_ex(address)
        async with a_provider(f"http://127.0.0.1:{address[1]}/v1", connect_timeout_s=0.3) as p:
            with pytest.raises(ProviderUnavailable, match=r"provider\.connect_timeout_s"):
                await p.ask(KEY, Call(BODY, 5.0))
        for s in fill:
            s.close()


async def test_without_a_free_connection_the_pool_timeout_ends_the_wait(simulator):
    simulator.break_it(hang_rate=1.0)
    settings = ProviderSettings(base_url=simulator.base_url, pool_timeout_s=0.2)
    async with Provider(settings, max_connections=1) as provider:
        holding = asyncio.create_task(provider.ask(KEY, Call(BODY, 30.0)))
        await eventually_async(lambda: simulator.stats()["task_ids"] + simulator.stats()["calls"])
        with pytest.raises(NoFreeConnection, match=r"provider\.pool_timeout_s"):
            await provider.ask(KEY, Call(BODY, 30.0))
        holding.cancel()
        await asyncio.gather(holding, return_exceptions=True)
        simulator.break_it()
        assert (await provider.ask(KEY, Call(BODY, 5.0))).text


async def test_a_long_request_that_is_taken_slowly_is_sent_whole(simulator):
    async with a_provider(simulator.base_url) as provider:
        sent = []
        assert (await provider.ask(KEY, Call(LONG_BODY, 30.0, on_sent=lambda: sent.append(1)))).text
    assert sent == [1]


# --- kept connections -----------------------------------------------------------------------------

GOOD = b'{"choices":[{"message":{"content":"hi"}}]}'
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


@pytest.fixture
async def forgetful_server() -> AsyncIterator[tuple[str, dict]]:
    """Answers the first request of a connection; `then` is what happens to a second one.

    As behind a NAT that has forgotten an idle connection: "reset", or "close".
    """
    seen: dict = {"connections": 0, "requests": 0, "then": "reset"}

    async def read(reader: asyncio.StreamReader) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n")
                      if line.startswith(b"content-length"))  # fmt: skip
        await reader.readexactly(length)
        seen["requests"] += 1

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen["connections"] += 1
        try:
            if seen["then"] != "reset at once":
                await read(reader)
                writer.write(HEAD % len(GOOD) + GOOD)
            await read(reader)
            if seen["then"] == "half an answer":
                writer.write(HEAD % len(GOOD) + GOOD[:5])
                await writer.drain()
        except asyncio.IncompleteReadError:
            pass
        if seen["then"] == "close":
            writer.close()
        else:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", seen
    server.close()


@pytest.mark.parametrize("then", ["reset", "close"])
async def test_kept_connections_that_are_dead_cost_no_attempt(forgetful_server, then):
    base_url, seen = forgetful_server
    seen["then"] = then
    sent = []
    async with a_provider(base_url) as provider:
        await asyncio.gather(*(provider.ask(KEY, Call(BODY, 5.0)) for _ in range(3)))
        assert seen["connections"] == 3
        again = [Call(BODY, 5.0, on_sent=lambda: sent.append(1)) for _ in range(3)]
        replies = await asyncio.gather(*(provider.ask(KEY, call) for call in again))
    assert [r.text for r in replies] == ["hi"] * 3
    assert (seen["connections"], len(sent)) == (6, 3)


@pytest.mark.parametrize("then", ["reset at once", "half an answer"])
async def test_a_provider_that_hangs_up_is_no_dead_connection(forgetful_server, then):
    base_url, seen = forgetful_server
    seen["then"] = then
    async with a_provider(base_url) as provider:
        if then == "half an answer":
            await provider.ask(KEY, Call(BODY, 5.0))
        with pytest.raises(ProviderUnavailable):
            await provider.ask(KEY, Call(BODY, 5.0))
    assert seen["connections"] == 1


# --- JSON mode and other parameters -------------------------------------------------------------

PARAMETERS = Sampling(300, 0.1).parameters()


def asking(body: bytes, model: str) -> Call:
    return Call(body, 5.0, model=model, parameters=PARAMETERS, wants_json=True)


async def test_json_mode_is_asked_for_until_the_model_refuses_it_and_only_once(simulator):
    async with a_provider(simulator.base_url) as provider:
        assert (await provider.ask(KEY, asking(BODY, "qwen-vl-plus"))).text
        simulator.break_it(no_json_mode=True)
        with pytest.raises(ParameterRefused):
            await provider.ask(KEY, asking(BODY, "qwen-vl-plus"))
        assert (await provider.ask(KEY, asking(BODY, "qwen-vl-plus"))).text
        with pytest.raises(ParameterRefused):  # each model is found out by itself
            await provider.ask(KEY, asking(BODY, "qwen-vl-max"))


@pytest.mark.parametrize("json_mode", ["on", "off"])
async def test_json_mode_can_be_demanded_or_left_out(simulator, json_mode):
    simulator.break_it(no_json_mode=True)
    async with a_provider(simulator.base_url, json_mode=json_mode) as provider:
        for _ in range(2):
            answer = provider.ask(KEY, asking(BODY, "m"))
            if json_mode == "off":
                assert (await answer).text
                continue
            with pytest.raises(BadRequest, match=r"provider\.json_mode") as caught:
                await answer
            assert not isinstance(caught.value, ParameterRefused)


async def test_other_refusals_are_not_taken_for_one_of_json_mode(odd_server):
    base_url, answer = odd_server
    answer.update(status=400, body=b'{"error":{"message":"bad image"}}')
    async with a_provider(base_url) as provider:
        with pytest.raises(BadRequest, match="bad image") as caught:
            await provider.ask(KEY, asking(BODY, "m"))
    assert not isinstance(caught.value, ParameterRefused)


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_our_prompt_has_the_word_that_providers_ask_for_in_json_mode(simulator, language):
    body = request("m", build(a_task(), Question(language)))
    async with a_provider(simulator.base_url, json_mode="on") as provider:
        assert (await provider.ask(KEY, asking(body, "m"))).text
        with pytest.raises(BadRequest, match="must contain the word 'json'"):
            await provider.ask(KEY, asking(cheapest_request("m"), "m"))


@pytest.mark.parametrize(
    ("refusal", "before", "after"),
    [
        ("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", "max_tokens", "max_completion_tokens"),
        ("Unsupported value: 'temperature' does not support 0.1 with this model.", "temperature", None),
        ("parameter.enable_thinking must be set to false for non-streaming calls",
         None, "enable_thinking"),
    ],
)  # fmt: skip
async def test_a_parameter_that_a_model_refuses_is_left_out_from_then_on(
    odd_server, refusal, before, after
):
    base_url, answer = odd_server
    async with a_provider(base_url) as provider:
        answer.update(status=400, body=json.dumps({"error": {"message": refusal}}).encode())
        with pytest.raises(ParameterRefused, match="from now on"):
            await provider.ask(KEY, asking(BODY, "m"))
        with pytest.raises(BadRequest) as caught:  # said again, it is about something else
            await provider.ask(KEY, asking(BODY, "m"))
        assert not isinstance(caught.value, ParameterRefused)
    first, second = (json.loads(body) for body in answer["requests"])
    assert before is None or (before in first and before not in second)
    assert after is None or (after not in first and after in second)


async def test_parameters_and_headers_of_the_settings_go_with_each_request(odd_server):
    base_url, answer = odd_server
    own = {"max_tokens": None, "top_p": 0.5, "temperature": 0}
    async with a_provider(base_url, parameters=own, headers={"X-Title": "Traffic mon"}) as provider:
        with pytest.raises(BadAnswer):
            await provider.ask(KEY, asking(BODY, "m"))
    sent = json.loads(answer["requests"][0])
    assert (sent["top_p"], sent["temperature"], "max_tokens" in sent) == (0.5, 0, False)
    assert answer["headers_sent"][0]["x-title"] == "Traffic mon"


async def test_azure_takes_its_key_in_a_header_of_its_own(odd_server):
    base_url, answer = odd_server
    async with a_provider(base_url + "?api-version=1", preset="azure") as provider:
        with pytest.raises(BadAnswer):
            await provider.ask(KEY, asking(BODY, "m"))
    assert answer["headers_sent"][0]["api-key"] == "secret-1"
    assert "authorization" not in answer["headers_sent"][0]
    assert answer["paths"][0] == "/v1/chat/completions?api-version=1"


async def test_the_cheapest_call_is_taken_too(simulator):
    async with a_provider(simulator.base_url) as provider:
        call = Call(cheapest_request("qwen-vl-plus"), 5.0, parameters=CHEAPEST)
        assert (await provider.ask(KEY, call)).completion_tokens <= 1
