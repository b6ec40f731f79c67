"""Finished tasks and images, on a real Redis."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import redis.asyncio

from streaming import redis_keys
from streaming.redis_client import connect_async
from streaming.scheduling.batches import batches
from streaming.scheduling.recall import BatchedImages, FinishedTasks
from streaming.settings import RedisSettings, Topic

TASKS = Topic(name="assessment-tasks", retention_ms=7_200_000)


@pytest.fixture
async def client(any_redis_url: str) -> AsyncIterator[redis.asyncio.Redis]:
    async with connect_async(RedisSettings(url=any_redis_url)) as found:
        yield found


async def test_a_finished_task_is_remembered_longer_than_its_topic_keeps_it(client):
    finished = FinishedTasks(batches(client), TASKS)
    assert await finished.find("m:0") is None
    await finished.remember("m:0", b"result")
    assert await finished.find("m:0") == b"result"
    assert await client.pttl(redis_keys.assessed("m:0")) > TASKS.retention_ms


async def test_a_thousand_at_once_each_get_their_own_answer(client):
    sent = batches(client)
    finished, images = FinishedTasks(sent, TASKS), BatchedImages(sent)
    await client.set(redis_keys.image("ref"), b"jpeg")
    await asyncio.gather(*(finished.remember(f"m-{i}", b"%d" % i) for i in range(500)))
    found = await asyncio.gather(*(finished.find(f"m-{i}") for i in range(1000)))
    assert found == [b"%d" % i for i in range(500)] + [None] * 500
    assert await asyncio.gather(*(images.get(r, 9) for r in ("ref", "gone"))) == [b"jpeg", b""]
    assert len(await client.client_list()) <= 3


async def test_of_an_image_that_is_too_long_no_more_is_fetched_than_tells_so(client):
    await client.set(redis_keys.image("ref"), b"0" * 20_000_000)
    assert await BatchedImages(batches(client)).get("ref", 1000) == b"0" * 1001


async def test_one_wrong_command_harms_no_other_in_its_batch(client):
    sent = batches(client)
    await client.lpush("list", "x")
    answers = await asyncio.gather(
        sent.run("GET", "list"), sent.run("SET", "a", "1"), return_exceptions=True
    )
    assert isinstance(answers[0], redis.exceptions.ResponseError)
    assert answers[1]
    assert await sent.run("GET", "a") == b"1"


async def test_a_caller_that_gave_up_harms_no_other(client):
    sent = batches(client)
    calls = [sent.run("GET", "a") for _ in range(3)]
    await asyncio.sleep(0)
    calls[1].cancel()
    assert await asyncio.gather(calls[0], calls[2]) == [None, None]


async def test_redis_being_away_is_an_error_for_images_and_none_for_tasks():
    away = RedisSettings(url="redis://127.0.0.1:1/0", timeout_s=0.2)
    async with connect_async(away) as nobody:
        sent = batches(nobody)
        finished = FinishedTasks(sent, TASKS)
        await finished.remember("m:0", b"result")
        assert await finished.find("m:0") is None
        with pytest.raises(redis.exceptions.RedisError):
            await BatchedImages(sent).get("ref", 9)
