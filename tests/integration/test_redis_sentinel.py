"""A master, its replica and three Sentinels: the master dies in the middle of work."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator

import pytest

from streaming.errors import RedisUnreachable
from streaming.kafka import admin
from streaming.redis_client import connect, connect_async, wait_for_redis
from streaming.settings import RedisSettings
from tests.integration.redis_work import do_everything
from tests.integration.test_aggregation_outage import committed, kept, publish, running
from tests.integration.test_shared_limits import PATIENCE_S, QPS, Instance
from tests.redis_servers import Watched, watched
from tests.unit.scheduling.windows import most_in_any
from tests.waiting import eventually, eventually_async


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with watched(tmp_path_factory.mktemp("sentinel")) as found:
        yield found


def test_every_program_works(group):
    do_everything(RedisSettings(url=group.url))


def test_a_master_that_no_sentinel_knows_is_one_line(group):
    wrong = group.url.replace("mymaster", "other")
    with pytest.raises(RedisUnreachable) as caught:
        connect(RedisSettings(url=wrong, password="hunter-22", timeout_s=1))
    line = str(caught.value)
    assert "no Sentinel names a master 'other' that is up" in line
    assert "correct the master's name in redis.url" in line
    assert "hunter-22" not in line
    assert len(line) < 400


async def test_sentinels_that_are_away_are_told_and_found_again(group):
    settings = RedisSettings(url=group.url, timeout_s=1)
    async with connect_async(settings) as client:
        assert await client.ping()
        for sentinel in group.sentinels:
            sentinel.kill()
        assert await client.ping()  # the master is there all the same
        with pytest.raises(RedisUnreachable, match="no Sentinel names a master 'mymaster'"):
            await asyncio.to_thread(connect, settings)
        for sentinel in group.sentinels:
            await asyncio.to_thread(sentinel.start)
        await asyncio.to_thread(wait_for_redis, settings, 60)


async def test_work_goes_on_with_the_new_master_when_the_old_one_dies(group, make_settings):
    """The last test: the group is another one afterwards."""
    await asyncio.to_thread(eventually, group.is_ready, 60)
    settings = make_settings(REDIS_URL=group.url, TRAFFICMON_REDIS__TIMEOUT_S="0.5")
    await asyncio.to_thread(admin.ensure_topics, settings.kafka)
    sends: dict[str, list[float]] = defaultdict(list)
    instances = [Instance(group.url, str(i), sends) for i in range(2)]
    done = asyncio.Event()
    working = asyncio.gather(*(i.run(done) for i in instances))

    async def all_committed(messages: int) -> None:
        await asyncio.to_thread(eventually, lambda: committed(settings) == messages, 90)

    with running(settings):
        await asyncio.to_thread(publish, settings, "failover", range(20))
        await all_committed(60)
        await asyncio.to_thread(group.wait_for_replica)
        await asyncio.to_thread(group.kill_master)
        await asyncio.to_thread(publish, settings, "failover", range(20, 40))
        await eventually_async(lambda: not any(i.limits.shared for i in instances), PATIENCE_S)
        await all_committed(120)
        await eventually_async(lambda: all(i.limits.shared for i in instances), PATIENCE_S)
        done.set()
        await working
        with connect(settings.redis) as client:
            shown = kept(client, "failover")
    assert shown["latest"]["frame"]["messageId"] == "failover-39"
    assert shown["latest"]["frame"]["state"] == "complete"
    assert len(shown["verdicts"]) == 40
    for times in sends.values():
        assert most_in_any(sorted(times), 1.0) <= QPS
