"""With a token set, nothing goes without it; without one, strangers are refused."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestClient, TestServer

from streaming.api import app as api
from streaming.api.security import MOST_GUESSES
from streaming.kafka import admin

TOKEN = "correct-horse-battery"


class TestToken:
    """With a token set, nothing goes without it."""

    @pytest.fixture
    async def guarded(self, make_settings) -> AsyncIterator[TestClient]:
        made = make_settings(TRAFFICMON_SERVING__TOKEN=TOKEN)
        admin.ensure_topics(made.kafka)
        async with TestClient(TestServer(api.build(made))) as client:
            yield client

    @pytest.mark.parametrize("path", ["/api/cameras", "/api/alerts", "/metrics", "/ws"])
    async def test_is_asked_for(self, guarded, path):
        response = await guarded.get(path)
        assert (response.status, (await response.json())["code"]) == (401, 401)
        wrong = await guarded.get(path, headers={"Authorization": "Bearer wrong"})
        assert wrong.status == 401

    @pytest.mark.parametrize("path", ["/", "/health/health_check", "/wall/favicon.svg"])
    async def test_is_not_needed_to_log_in_or_to_probe(self, guarded, path):
        assert (await guarded.get(path)).status == 200

    async def test_cannot_be_guessed_by_trying_many(self, guarded):
        for _ in range(MOST_GUESSES):
            assert (await guarded.post("/api/session", json={"token": "wrong"})).status == 401
        assert (await guarded.post("/api/session", json={"token": TOKEN})).status == 429

    async def test_lets_in_as_bearer_and_as_cookie(self, guarded):
        headers = {"Authorization": f"Bearer {TOKEN}"}
        assert (await guarded.get("/api/cameras", headers=headers)).status == 200
        assert (await guarded.post("/api/session", json={"token": "wrong"})).status == 401
        logged_in = await guarded.post("/api/session", json={"token": TOKEN})
        cookie = logged_in.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert TOKEN not in cookie
        async with ClientSession(headers={"Cookie": cookie.split(";")[0]}) as browser:
            assert (await browser.get(guarded.make_url("/api/cameras"))).status == 200
            async with browser.ws_connect(guarded.make_url("/ws")) as socket:
                assert "connection_ack" in (await socket.receive()).data

    async def test_a_stranger_by_another_name_is_refused_without_one(self, client):
        response = await client.get("/api/cameras", headers={"Host": "rebound.example:5000"})
        assert response.status == 403

    async def test_another_sites_page_may_change_nothing(self, client):
        response = await client.delete("/api/cameras/1", headers={"Origin": "http://evil.example"})
        assert response.status == 403
