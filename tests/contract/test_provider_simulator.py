"""The simulator is a provider: OpenAI's own client can talk to it, and its limits are strict."""

import base64
import concurrent.futures
import contextlib
import json
import multiprocessing
import socket
from collections.abc import Iterator

import httpx
import openai
import pytest

from streaming.embedded.ports import any_free
from streaming.errors import PortInUse
from streaming.scheduling.prompt import Question, build
from streaming.settings import load
from streaming.simulator.provider import run, start
from tests.provider_simulator import FAST, RunningSimulator, running, sim_keys
from tests.unit.scheduling.cases import a_task
from tests.waiting import eventually

IMAGE = "data:image/jpeg;base64," + base64.b64encode(b"\xff\xd8" + b"0" * 20_000).decode()


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    with running(sim_keys(2, qps=100, rpm=1000), FAST) as found:
        yield found


def client(simulator: RunningSimulator, key: str = "secret-1") -> openai.OpenAI:
    return openai.OpenAI(base_url=simulator.base_url, api_key=key, max_retries=0, timeout=10)


def ask(found: openai.OpenAI, text: str = "hello", **kw):
    content = [
        {"type": "image_url", "image_url": {"url": IMAGE}},
        {"type": "text", "text": text},
    ]
    messages = [{"role": "user", "content": content}]
    return found.chat.completions.create(model="qwen-vl-plus", messages=messages, **kw)


def test_the_models_are_listed(simulator):
    with client(simulator) as found:
        assert "qwen-vl-plus" in [m.id for m in found.models.list()]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_chat_with_a_picture_gives_a_verdict_in_the_language_asked_for(simulator, language):
    prompt = build(a_task(), Question(language))
    with client(simulator) as found:
        answer = ask(found, prompt.system + prompt.user)
    verdict = json.loads(answer.choices[0].message.content)
    assert verdict["riskLevel"] == "high"
    assert verdict["triggerObjectIds"] == [2, 1]
    assert verdict["description"].isascii() is (language == "en")
    assert answer.usage.total_tokens > 1000
    assert answer.choices[0].finish_reason == "stop"


def test_a_chat_streams_when_asked(simulator):
    with client(simulator) as found:
        prompt = build(a_task(), Question("zh"))
        chunks = list(ask(found, prompt.user, stream=True))
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert json.loads(text)["riskLevel"] == "high"


@pytest.mark.parametrize("key", ["nobody", "secret-2"])
def test_an_unknown_or_dead_key_is_an_authentication_error(simulator, key):
    simulator.break_it(dead_keys=("sim-2",))
    with client(simulator, key) as found, pytest.raises(openai.AuthenticationError):
        ask(found)


def test_what_is_no_chat_is_a_bad_request(simulator):
    with client(simulator) as found, pytest.raises(openai.BadRequestError):
        found.chat.completions.create(model="m", messages=[{"role": "user", "content": [{}]}])


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        (sim_keys(1, qps=3, rpm=1000), "limit_burst_rate"),
        (sim_keys(1, qps=50, rpm=3), "limit_requests"),
    ],
    ids=["second", "minute"],
)
def test_one_call_too_many_in_a_rolling_window_is_a_rate_limit_error(keys, code):
    with running(keys) as simulator, client(simulator) as found:
        with concurrent.futures.ThreadPoolExecutor(4) as threads:
            calls = [threads.submit(ask, found) for _ in range(4)]
        errors = [e for c in calls if (e := c.exception()) is not None]
        assert [type(e) for e in errors] == [openai.RateLimitError]
        assert errors[0].code == code
        stats = simulator.stats()
    assert (stats["calls"], stats["answered"], stats["http_429"]) == (4, 3, 1)
    account = stats["accounts"]["sim-1"]
    assert (account["max_in_a_second"], account["http_429"]) == (4, 1)


def test_its_own_truth_and_its_health_can_be_asked_for(simulator):
    with httpx.Client(base_url=simulator.url, timeout=10) as http:
        headers = {"authorization": "Bearer secret-1", "x-trafficmon-task": "t-1"}
        body = {"model": "m", "messages": [{"role": "user", "content": "1"}]}
        for _ in range(2):
            assert http.post("/v1/chat/completions", json=body, headers=headers).is_success
        assert http.get("/healthz").json() == {"status": "ok"}
        stats = http.get("/stats?tasks").json()
    assert (stats["calls"], stats["task_ids"], stats["task_ids_answered_twice"]) == (2, 1, 1)
    assert stats["tasks"] == {"t-1": 2}


def test_faults_change_while_it_runs(simulator):
    with httpx.Client(base_url=simulator.url, timeout=10) as http, client(simulator) as found:
        assert http.post("/faults", json={"error_rate": 1.0}).json()["error_rate"] == 1.0
        with pytest.raises(openai.InternalServerError):
            ask(found)
        assert http.post("/faults", json={"error_rate": 0, "malformed_rate": 1}).is_success
        text = ask(found).choices[0].message.content
        assert "riskLevel" not in text or "confidence" not in text or "catastrophic" in text
        assert http.post("/faults", json={"eror_rate": 1}).status_code == 400
        assert http.post("/faults", json={"error_rate": 7}).status_code == 400
        assert http.post("/faults", json=[1]).status_code == 400
        assert http.get("/faults").json()["malformed_rate"] == 1


def test_judges_see_what_each_key_got_and_may_begin_to_measure_anew(simulator):
    simulator.break_it(dead_keys=("sim-2",))
    for key in ("secret-1", "secret-2"):
        with client(simulator, key) as found, contextlib.suppress(openai.AuthenticationError):
            ask(found)
    with httpx.Client(base_url=simulator.url, timeout=10) as http:
        stats = http.post("/peaks").json()
        assert stats["key_statuses"] == {"sim-1": {"200": 1}, "sim-2": {"401": 1}}
        assert stats["max_in_a_second"] == 2
        assert http.get("/nowhere").status_code == 404


@pytest.mark.parametrize(
    ("faults", "headers"),
    [
        ({}, {}),
        ({"organization_header": True}, {"openai-organization": "org-sim-1"}),
        ({"limit_headers": True},
         {"x-ratelimit-limit-requests": "1000", "x-ratelimit-remaining-requests": "999"}),
    ],
)  # fmt: skip
def test_answers_tell_of_their_account_when_asked_to(simulator, faults, headers):
    simulator.break_it(**faults)
    with client(simulator) as found:
        got = found.chat.completions.with_raw_response.create(
            model="m", messages=[{"role": "user", "content": "1"}]
        ).headers
    names = ("openai-organization", "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests")
    assert {n: got[n] for n in names if n in got} == headers


def test_a_request_in_pieces_counts_from_its_first_one(simulator):
    host, port = simulator.url.removeprefix("http://").split(":")
    body = json.dumps({"messages": [{"role": "user", "content": "1"}]}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer secret-1\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    ).encode()
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        for pieces in ((head[:20], head[20:], body[:5], body[5:]), (head + body,)):
            for piece in pieces:
                connection.sendall(piece)
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
    assert simulator.stats()["answered"] == 2


def test_keys_follow_their_file_while_it_runs(configured_simulator):
    folder, url = configured_simulator
    body = {"model": "m", "messages": [{"role": "user", "content": "1"}]}

    def status(secret: str) -> int:
        headers = {"authorization": f"Bearer {secret}"}
        return httpx.post(f"{url}/v1/chat/completions", json=body, headers=headers).status_code

    assert [status("sk-one"), status("sk-two")] == [200, 401]
    (folder / "api_keys.yaml").write_text("api_keys: [{key: sk-two}]")
    eventually(lambda: [status("sk-one"), status("sk-two")] == [401, 200])
    (folder / "api_keys.yaml").write_text("api_keys: [{key: ")
    (folder / "new").write_text("api_keys: [{key: sk-one}, {key: sk-two}]")
    (folder / "new").replace(folder / "api_keys.yaml")
    eventually(lambda: [status("sk-one"), status("sk-two")] == [200, 200])


@pytest.fixture
def configured_simulator(tmp_path, monkeypatch):
    """A simulator of its own process, with keys from a file in a folder."""
    (tmp_path / "api_keys.yaml").write_text("api_keys: [{key: sk-one}]")
    port = any_free()
    monkeypatch.setenv("TRAFFICMON_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("TRAFFICMON_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("TRAFFICMON_SIMULATOR__PORT", str(port))
    monkeypatch.setenv("TRAFFICMON_SIMULATOR__LATENCY_MEDIAN_MS", "1")
    process = multiprocessing.get_context("spawn").Process(target=run, args=(load(), "1"))
    process.start()
    url = f"http://127.0.0.1:{port}"
    eventually(lambda: answers(url))
    yield tmp_path, url
    process.terminate()
    process.join(20)
    assert process.exitcode == 0


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").is_success
    except httpx.TransportError:
        return False


async def test_a_port_in_use_is_said_with_its_setting(simulator):
    port = int(simulator.url.rpartition(":")[2])
    with pytest.raises(PortInUse, match=r"simulator\.port"):
        await start(simulator.simulator, "127.0.0.1", port)
