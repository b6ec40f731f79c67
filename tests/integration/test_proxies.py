"""Provider and notifications by a real proxy, which may refuse, hang, or be away."""

import ssl
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import SecretStr

from streaming.embedded.ports import any_free
from streaming.errors import ConfigError, ProviderError, ProviderUnreachable
from streaming.notify import a_test, deliver
from streaming.notify.deliver import Patience
from streaming.proxies import proxy_for
from streaming.scheduling.chat import cheapest_request
from streaming.scheduling.keys_verify import verify
from streaming.scheduling.provider import Call, Provider
from streaming.settings import ApiKey, NotificationChannel, ProviderSettings, load
from tests.certificates import Authority
from tests.provider_simulator import running, sim_keys
from tests.proxy import Proxy

KEY = ApiKey(id="sim-1", key=SecretStr("secret-1"))
CALL = Call(cheapest_request("qwen-vl-plus"), 10.0)
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
HOST = "provider.example"
LOGIN = "city:hunter%2322"
ANSWER = b'{"choices":[{"message":{"content":"{}"}}],"model":"m","usage":{}}'


@pytest.fixture(autouse=True)
def no_proxies_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def a_proxy() -> Iterator[Callable[..., Proxy]]:
    begun: list[Proxy] = []

    def begin(to: int, **how: Any) -> Proxy:
        begun.append(Proxy(to, **how))
        return begun[-1]

    yield begin
    for proxy in begun:
        proxy.close()


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def listening(authority: Authority | None = None) -> Iterator[int]:
    """The port of a server that answers any POST, by TLS where there is an authority."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    if authority:
        pair = authority.sign("provider", HOST)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.certificate, pair.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


async def ask(**settings: object) -> None:
    provider = ProviderSettings.model_validate(settings)
    async with Provider(provider, max_connections=2) as client:
        await client.ask(KEY, CALL)


@pytest.mark.parametrize(
    ("scheme", "by", "login"),
    [
        (s, b, i)
        for s in ("http", "https")
        for b in ("setting", "environment")
        for i in (None, LOGIN)
    ],
)
async def test_the_provider_is_reached_through_the_proxy(  # noqa: PLR0917
    a_proxy, authority, monkeypatch, scheme, by, login
):
    with listening(authority if scheme == "https" else None) as port:
        proxy = a_proxy(port, login=login)
        settings = {"base_url": f"{scheme}://{HOST}/v1", "ca_file": str(authority.file)}
        if by == "setting":
            settings["proxy"] = proxy.url
        else:
            monkeypatch.setenv(f"{scheme.upper()}_PROXY", proxy.url)
        await ask(**settings)
    (asked,) = proxy.asked
    assert asked == (f"{HOST}:443" if scheme == "https" else f"http://{HOST}/v1/chat/completions")


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_refuses_is_one_line_without_its_password(a_proxy, authority, scheme):
    with listening(authority if scheme == "https" else None) as port:
        proxy = a_proxy(port, login=LOGIN)
        wrong = proxy.url.replace("hunter%2322", "hunter-33")
        settings = {"base_url": f"{scheme}://{HOST}/v1", "ca_file": str(authority.file)}
        with pytest.raises(ProviderUnreachable) as caught:
            await ask(proxy=wrong, **settings)
        line = str(caught.value)
        assert f"through the proxy http://***@127.0.0.1:{proxy.port} (provider.proxy" in line
        assert line.endswith("it wants another user or password (407)")
        assert "hunter" not in "".join(traceback.format_exception(caught.value))
        await ask(proxy=proxy.url, **settings)


async def test_a_proxy_that_is_away_is_told_and_used_once_it_is_there(a_proxy):
    with listening() as port:
        place = any_free()
        settings = ProviderSettings(base_url=f"http://{HOST}/v1", proxy=f"http://127.0.0.1:{place}")
        async with Provider(settings, max_connections=2) as client:
            with pytest.raises(ProviderUnreachable, match=r"through the proxy .* it is not there"):
                await client.ask(KEY, CALL)
            a_proxy(port, port=place)
            await client.ask(KEY, CALL)


@pytest.mark.parametrize(
    ("scheme", "told"),
    [("http", "provider.read_timeout_s"), ("https", "through the proxy .* within 0.3 s")],
)
async def test_a_proxy_that_hangs_is_waited_for_no_longer_than_a_provider(a_proxy, scheme, told):
    proxy = a_proxy(1, mood="hangs")
    waits = {"connect_timeout_s": 0.3, "read_timeout_s": 0.3}
    with pytest.raises(ProviderError, match=told):
        await ask(base_url=f"{scheme}://{HOST}/v1", proxy=proxy.url, **waits)


def test_keys_are_verified_through_the_proxy(a_proxy, monkeypatch):
    with running(sim_keys(1)) as simulator:
        proxy = a_proxy(int(simulator.url.rpartition(":")[2]))
        monkeypatch.setenv("http_proxy", proxy.url)
        settings = simulator.for_settings(load(environ={}))
        own = settings.provider.model_copy(update={"base_url": f"http://{HOST}/v1"})
        (check,) = verify(settings.model_copy(update={"provider": own}))
        assert (check.valid, len(proxy.asked) > 0) == (True, True)
        proxy.asked.clear()
        (check,) = verify(settings)  # of this machine: by no proxy
        assert (check.valid, proxy.asked) == (True, [])


@pytest.mark.parametrize(
    ("url", "environment", "setting", "proxy"),
    [
        ("https://a.example/v1", {}, None, None),
        ("https://a.example/v1", {"HTTPS_PROXY": "http://p:1"}, None, "http://p:1"),
        ("https://a.example/v1", {"https_proxy": "p:1"}, None, "http://p:1"),
        ("https://a.example/v1", {"ALL_PROXY": "http://p:1"}, None, "http://p:1"),
        ("https://a.example/v1", {"HTTP_PROXY": "http://p:1"}, None, None),
        ("https://a.example/v1", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": ".example"}, None, None),
        (
            "https://10.1.2.3/v1",
            {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"},
            None,
            None,
        ),
        (
            "https://a.b:81/",
            {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.b:82"},
            None,
            "http://p:1",
        ),
        ("https://a.b:82/", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.b:82"}, None, None),
        ("http://127.0.0.1:8900/v1", {"HTTP_PROXY": "http://p:1"}, None, None),
        ("http://localhost:8900/v1", {"HTTP_PROXY": "http://p:1"}, "http://q:2", None),
        ("https://a.example/v1", {"HTTPS_PROXY": "http://p:1"}, "http://q:2", "http://q:2"),
        ("https://a.example/v1", {"HTTPS_PROXY": "http://p:1"}, "none", None),
    ],
)
def test_which_proxy_it_is(monkeypatch, url, environment, setting, proxy):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    found = proxy_for(url, setting)
    assert (str(found).rstrip("/") if found else None) == proxy


@pytest.mark.parametrize("wrong", ["socks5://u:hunter22@p:1", "http://u:hun#ter22@p:1"])
def test_what_is_no_http_proxy_is_told_without_its_password(monkeypatch, wrong):
    monkeypatch.setenv("ALL_PROXY", wrong)
    with pytest.raises(ConfigError, match="ALL_PROXY in the environment") as caught:
        proxy_for("https://a.example/v1")
    assert "ter22" not in str(caught.value)


NOTICE = a_test(datetime(2026, 11, 25, 12, tzinfo=UTC), "http://127.0.0.1:5000/")
CHANNELS = [
    {"type": "webhook", "config": {"url": f"http://{HOST}/hook"}},
    {"type": "apprise", "config": {"url": f"json://{HOST}/hook"}},
]


@pytest.mark.parametrize("channel", CHANNELS)
def test_notices_go_through_the_proxy_of_the_environment(a_proxy, monkeypatch, channel):
    with listening() as port:
        proxy = a_proxy(port, login=LOGIN)
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        made = NotificationChannel.model_validate(channel)
        (sent,) = deliver([made], [NOTICE], Patience(1, 0.01))
        assert (sent.delivered, sent.error) == (True, None)
        assert proxy.asked[0].startswith(f"http://{HOST}")
        monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("hunter%2322", "hunter-33"))
        (refused,) = deliver([made], [NOTICE], Patience(1, 0.01))
        assert not refused.delivered
        assert refused.error
        assert "hunter" not in refused.error
