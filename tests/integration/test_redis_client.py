"""Connections, images and the eviction policy on a real Redis."""

import pytest
import redis

from streaming import redis_client, redis_keys
from streaming.errors import RedisUnreachable
from streaming.images import AsyncImageStore, ImageStore
from streaming.settings import RedisSettings

JPEG = b"\xff\xd8 not really a picture \xff\xd9"


@pytest.fixture
def settings(any_redis_url):
    return RedisSettings(url=any_redis_url)


@pytest.fixture
def client(settings):
    with redis_client.connect(settings) as client:
        yield client


def test_an_image_is_got_by_its_reference(client):
    store = ImageStore(client, ttl_s=300)
    ref = store.put(JPEG)
    assert store.get(ref) == JPEG
    assert store.get("0" * 32) is None


def test_the_same_bytes_are_kept_once_and_live_on(client):
    store = ImageStore(client, ttl_s=300)
    ref = store.put(JPEG)
    client.pexpire(redis_keys.image(ref), 1_000)
    assert store.put(JPEG) == ref
    assert client.dbsize() == 1
    assert 299_000 < client.pttl(redis_keys.image(ref)) <= 300_000


def test_several_are_kept_as_each_would_be(client):
    store = ImageStore(client, ttl_s=300)
    refs = store.put_all([JPEG, b"another"])
    assert [store.get(ref) for ref in refs] == [JPEG, b"another"]
    assert refs[0] == store.put(JPEG)
    assert 299_000 < client.pttl(redis_keys.image(refs[1])) <= 300_000


def test_every_image_has_an_end(client):
    ref = ImageStore(client, ttl_s=0.5).put(JPEG)
    assert 0 < client.pttl(redis_keys.image(ref)) <= 500


async def test_an_event_loop_reads_the_same_images(client, settings):
    ref = ImageStore(client, ttl_s=300).put(JPEG)
    async with redis_client.connect_async(settings) as connection:
        store = AsyncImageStore(connection)
        assert await store.get(ref) == JPEG
        assert await store.get("0" * 32) is None


def test_only_what_has_an_end_may_be_dropped_for_room(redis_url):
    """Images have a TTL; alerts and pool state have none, and must outlive a full memory."""
    client = redis_client.connect(RedisSettings(url=redis_url))
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "volatile-ttl"}
    assert int(client.config_get("maxmemory")["maxmemory"]) > 0
    assert client.config_get("appendonly") == {"appendonly": "yes"}


@pytest.mark.parametrize(
    "url", ["redis://user:hunter2@127.0.0.1:9/0", "redis://:hunter2@no-such-host.invalid:6379/0"]
)
def test_a_missing_redis_is_named_without_its_password(url):
    with pytest.raises(RedisUnreachable, match=r"redis\.url") as caught:
        redis_client.connect(RedisSettings(url=url, timeout_s=0.5))
    assert "hunter2" not in str(caught.value)


def test_a_wait_for_redis_is_bounded():
    with pytest.raises(RedisUnreachable, match=r"redis\.url"):
        redis_client.wait_for_redis(RedisSettings(url="redis://127.0.0.1:9/0", timeout_s=0.2), 0.3)


def test_a_password_that_is_wrong_is_told_as_such(redis_url):
    wrong = RedisSettings(url=redis_url.replace("redis://", "redis://nobody:wrong@"))
    with pytest.raises(RedisUnreachable, match="invalid username-password pair") as caught:
        redis_client.connect(wrong)
    assert isinstance(caught.value.__cause__, redis.RedisError)
