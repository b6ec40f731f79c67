"""The API while Redis is away: it says so, and recovers by itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from streaming.api import app as api
from streaming.api.state import STATE
from streaming.kafka import admin
from tests.integration.own_redis import OwnRedis
from tests.waiting import eventually_async


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    server = OwnRedis(tmp_path / "redis")
    server.start()
    yield server
    server.kill()


async def test_it_says_that_redis_is_away_and_recovers(make_settings, own_redis):
    settings = make_settings(REDIS_URL=own_redis.url, TRAFFICMON_REDIS__TIMEOUT_S="0.5")
    admin.ensure_topics(settings.kafka)
    async with TestClient(TestServer(api.build(settings))) as client:
        live = client.app[STATE].live
        await eventually_async(lambda: live.listening)
        own_redis.kill()
        for path in ("/api/cameras", "/api/alerts", "/api/scheduler/stats"):
            answer = await client.get(path)
            assert (answer.status, (await answer.json())["code"]) == (503, 503)
        health = await client.get("/api/health/health_check")
        checks = (await health.json())["data"]["checks"]
        assert (health.status, checks["redis"]["state"]) == (503, "down")
        assert (await client.get("/metrics")).status == 200
        await eventually_async(lambda: not live.listening)
        own_redis.start()
        await eventually_async(lambda: live.listening)
        assert (await client.get("/api/cameras")).status == 200
