"""The shipped nginx example in front of the real API: TLS, a login, the WebSocket, the client.

A stub stands for oauth2-proxy (any request with its cookie is somebody), another for Dagster.
"""

import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession, TCPConnector, web
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.test_utils import TestServer

from streaming.api import app as api
from streaming.api.security import MOST_GUESSES
from streaming.kafka import admin
from tests.integration.api.own_nginx import OwnNginx

pytestmark = pytest.mark.needs("nginx", "openssl")

TOKEN = "correct-horse-battery"
LOGGED_IN = {"Cookie": "_oauth2_proxy=somebody"}


class Here(AbstractResolver):
    """Every name is this machine."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0)]  # fmt: skip

    async def close(self) -> None:
        """Nothing is held."""


def login_stub() -> web.Application:
    async def auth(request: web.Request) -> web.Response:
        user = request.cookies.get("_oauth2_proxy")
        headers = {"X-Auth-Request-User": user} if user else {}
        return web.Response(status=202 if user else 401, headers=headers)

    async def sign_in(_request: web.Request) -> web.Response:
        return web.Response(text="Sign in")

    app = web.Application()
    app.add_routes([web.get("/oauth2/auth", auth), web.get("/oauth2/sign_in", sign_in)])
    return app


def dagster_stub() -> web.Application:
    async def page(_request: web.Request) -> web.Response:
        return web.Response(text="Dagster")

    async def graphql(request: web.Request) -> web.WebSocketResponse:
        socket_ = web.WebSocketResponse()
        await socket_.prepare(request)
        await socket_.send_str("subscribed")
        await socket_.close()
        return socket_

    app = web.Application()
    app.add_routes([web.get("/", page), web.get("/graphql", graphql)])
    return app


@asynccontextmanager
async def behind_nginx(settings, home):
    admin.ensure_topics(settings.kafka)
    servers = [TestServer(made) for made in (api.build(settings), dagster_stub(), login_stub())]
    for server in servers:
        await server.start_server()
    ports = dict(zip(("api", "dagster", "login"), (s.port for s in servers), strict=True))
    nginx = OwnNginx.configured(home, token=TOKEN, **ports)
    assert "test is successful" in nginx.check()
    nginx.start()
    trust = ssl.create_default_context(cafile=nginx.certificate)
    connector = TCPConnector(resolver=Here(), ssl=trust)
    try:
        async with ClientSession(connector=connector) as browser:
            yield (
                browser,
                f"https://wall.example.org:{nginx.port}",
                f"https://dagster.example.org:{nginx.port}",
            )
    finally:
        nginx.stop()
        for server in servers:
            await server.close()


@pytest.fixture
async def stack(make_settings, tmp_path) -> AsyncIterator[tuple[ClientSession, str, str]]:
    settings = make_settings(
        TRAFFICMON_SERVING__TOKEN=TOKEN,
        TRAFFICMON_SERVING__TRUSTED_PROXIES="[127.0.0.1]",
        TRAFFICMON_SERVING__USER_HEADER="X-Forwarded-User",
    )
    async with behind_nginx(settings, tmp_path / "nginx") as made:
        yield made


async def test_the_example_lets_in_who_has_logged_in_and_nobody_else(stack, caplog):
    caplog.set_level("INFO")
    browser, wall, dagster = stack

    for address in (f"{wall}/", f"{wall}/api/cameras", f"{dagster}/"):
        async with browser.get(address) as response:
            assert (response.status, await response.text()) == (403, "Sign in")

    async with browser.get(f"{wall}/api/cameras", headers=LOGGED_IN) as response:
        assert response.status == 200
        assert "max-age" in response.headers["Strict-Transport-Security"]
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    async with browser.get(f"{dagster}/", headers=LOGGED_IN) as response:
        assert await response.text() == "Dagster"
    async with browser.ws_connect(f"{dagster}/graphql", headers=LOGGED_IN) as socket_:
        assert (await socket_.receive()).data == "subscribed"

    # The wall's own page may change things and open the WebSocket; a page of http may not.
    camera = {"id": "1", "source": "synthetic://junction?seed=1"}
    for origin, status in (
        (wall, 201),
        (wall.replace("https", "http"), 403),
        ("https://evil.example", 403),
    ):
        headers = LOGGED_IN | {"Origin": origin, "X-Forwarded-User": "forged"}
        async with browser.post(f"{wall}/api/cameras", json=camera, headers=headers) as response:
            assert response.status == status, origin
    async with browser.ws_connect(f"{wall}/ws", headers=LOGGED_IN | {"Origin": wall}) as socket_:
        assert "connection_ack" in (await socket_.receive()).data

    # Who and where: the client, not nginx, and the name that the login gave.
    (added,) = [r for r in caplog.records if r.message == "camera added"]
    assert (added.camera_id, added.client, added.user) == ("1", "127.0.0.1", "somebody")


async def test_a_cookie_over_tls_is_secure_and_a_lockout_hits_one_client_alone(
    make_settings, caplog
):
    """The proxy is trusted; what it says of its clients is said by the test itself."""
    settings = make_settings(
        TRAFFICMON_SERVING__TOKEN=TOKEN, TRAFFICMON_SERVING__TRUSTED_PROXIES="[127.0.0.1, '::1']"
    )
    admin.ensure_topics(settings.kafka)
    async with TestServer(api.build(settings)) as server, ClientSession() as session:

        async def log_in(token, **headers):
            async with session.post(server.make_url("/api/session"), json={"token": token}, headers={
                name.replace("_", "-"): text for name, text in headers.items()
            }) as response:  # fmt: skip
                return response.status, response.headers.get("Set-Cookie", "")

        for _ in range(MOST_GUESSES):
            assert (await log_in("wrong", X_Forwarded_For="203.0.113.5"))[0] == 401
        assert (await log_in(TOKEN, X_Forwarded_For="203.0.113.5"))[0] == 429
        # What a client invents on the left, or a name that cannot be read, frees nobody.
        assert (await log_in(TOKEN, X_Forwarded_For="9.9.9.9, 203.0.113.5"))[0] == 429
        assert (await log_in(TOKEN, Forwarded='for="203.0.113.5:4711";proto=https'))[0] == 429
        status, cookie = await log_in(
            TOKEN, X_Forwarded_For="203.0.113.6", X_Forwarded_Proto="https"
        )
        assert (status, "Secure" in cookie) == (200, True)
        status, cookie = await log_in(
            TOKEN, Forwarded='for="[2001:db8::1]";proto=https;host=w.example'
        )
        assert (status, "Secure" in cookie) == (200, True)
        status, cookie = await log_in(
            TOKEN, X_Forwarded_For="203.0.113.7", X_Forwarded_Proto="http"
        )
        assert (status, "Secure" in cookie) == (200, False)

        # An IPv6 client has a /64 to guess from: all of it counts as one.
        for n in range(MOST_GUESSES):
            await log_in("wrong", X_Forwarded_For=f"2001:db8:0:1::{n:x}")
        assert (await log_in(TOKEN, X_Forwarded_For="2001:db8:0:1:ffff::1"))[0] == 429
        assert (await log_in(TOKEN, X_Forwarded_For="2001:db8:0:2::1"))[0] == 200

        for junk in ("", ",", "\xff\xfe", 'for="', "a" * 4000, "unknown, , _x", "1.2.3.4:99999999"):
            for header in ("X_Forwarded_For", "Forwarded", "X_Forwarded_Proto", "X_Forwarded_Host"):
                assert (await log_in(TOKEN, **{header: junk}))[0] == 200, (header, junk)
    wrong = [r.client for r in caplog.records if r.message == "wrong token"]
    assert wrong[:MOST_GUESSES] == ["203.0.113.5"] * MOST_GUESSES


async def test_a_peer_that_is_not_trusted_is_believed_nothing(make_settings, caplog):
    settings = make_settings(TRAFFICMON_SERVING__TOKEN=TOKEN)
    admin.ensure_topics(settings.kafka)
    async with TestServer(api.build(settings)) as server, ClientSession() as session:
        address = server.make_url("/api/session")
        for n in range(MOST_GUESSES + 1):
            headers = {"X-Forwarded-For": f"203.0.113.{n}", "X-Forwarded-Proto": "https"}
            async with session.post(address, json={"token": "wrong"}, headers=headers) as response:
                status = response.status
        assert status == 429
    told = [r for r in caplog.records if "serving.trusted_proxies" in r.message]
    assert [r.peer for r in told] == ["127.0.0.1"]
