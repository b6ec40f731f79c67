"""The API on a real Kafka and a real Redis."""

from collections.abc import AsyncIterator

import pytest
import redis
from aiohttp.test_utils import TestClient, TestServer

from streaming.api import app as api
from streaming.api.state import STATE
from streaming.kafka import admin
from streaming.settings import Settings
from tests.integration.api.world import World
from tests.waiting import eventually_async


@pytest.fixture
def settings(make_settings) -> Settings:
    made = make_settings(CAMERAS="synthetic://junction?seed=1")
    admin.ensure_topics(made.kafka)
    return made


@pytest.fixture
def store(redis_url: str):
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
async def client(settings) -> AsyncIterator[TestClient]:
    async with TestClient(TestServer(api.build(settings))) as made:
        await eventually_async(lambda: made.app[STATE].live.listening)
        yield made


@pytest.fixture
def world(store) -> World:
    return World(store)
