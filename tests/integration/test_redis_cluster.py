"""A Redis Cluster that moves slots while it is worked on: nothing lost, nothing doubled."""

import asyncio
import threading
from collections import defaultdict

import pytest
from redis.crc import key_slot

from streaming import redis_keys
from streaming.aggregation.alert_store import ALERT_CAMERAS, OPEN_ALERTS
from streaming.aggregation.frame_store import OPEN_FRAMES
from streaming.aggregation.live_store import parts_key, verdicts_key
from streaming.kafka import admin
from streaming.redis_client import connect
from streaming.scheduling.slots_script import key_of
from streaming.settings import RedisSettings
from tests.integration.redis_work import do_everything
from tests.integration.test_aggregation_outage import committed, kept, publish, running
from tests.integration.test_shared_limits import KEYS, PATIENCE_S, QPS, Instance
from tests.redis_servers import Move, Nodes
from tests.unit.scheduling.windows import most_in_any
from tests.waiting import eventually, eventually_async


@pytest.fixture
def nodes(redis_cluster: Nodes) -> Nodes:
    redis_cluster.empty()
    return redis_cluster


def test_every_program_works_and_the_keys_lie_on_all_nodes(nodes):
    do_everything(RedisSettings(url=nodes.url))
    held = []
    for server in nodes.servers:
        with server.client() as client:
            held.append(client.keys())
    assert all(held)
    pool = {key_slot(key) for keys in held for key in keys if key.startswith(b"keys:")}
    assert len(pool) == 1
    camera = {key_slot(k.encode()) for k in (redis_keys.camera_latest("1"), parts_key("1"))}
    assert len(camera) == 1


async def test_limits_are_kept_while_the_slot_of_their_state_moves(nodes):
    """Half-moved, the script is refused: each keeps to its share until the slot is there."""
    sends: dict[str, list[float]] = defaultdict(list)
    instances = [Instance(nodes.url, str(i), sends) for i in range(2)]
    done = asyncio.Event()
    working = asyncio.gather(*(i.run(done) for i in instances))

    async def some_more(calls: int) -> None:
        goal = [i.count + calls for i in instances]
        await eventually_async(
            lambda: all(i.count >= g for i, g in zip(instances, goal, strict=True)), PATIENCE_S
        )

    await some_more(10)
    move = await asyncio.to_thread(nodes.begin_move, key_of("rules"))
    await asyncio.to_thread(move.carry, 2)
    await eventually_async(lambda: not any(i.limits.shared for i in instances), PATIENCE_S)
    await some_more(10)
    made_there = set(await asyncio.to_thread(there, move))
    assert len(made_there) == 2, made_there  # what was carried, and nothing besides
    await asyncio.to_thread(move.finish)
    await eventually_async(lambda: all(i.limits.shared for i in instances), PATIENCE_S)
    await some_more(10)
    done.set()
    await working
    assert set(sends) == set(KEYS)
    for times in sends.values():
        assert most_in_any(sorted(times), 1.0) <= QPS


def there(move: Move) -> list[bytes]:
    found = move.ask(move.target, "GETKEYSINSLOT", move.slot, 1_000)
    assert isinstance(found, list)
    return found


def test_aggregation_goes_on_while_the_slots_of_its_keys_move(make_settings, nodes):
    settings = make_settings(REDIS_URL=nodes.url)
    admin.ensure_topics(settings.kafka)
    publish(settings, "undisturbed", range(120))
    with running(settings):
        eventually(lambda: committed(settings) == 360, 60)
    stop = threading.Event()
    camera = "moved"
    moved = [
        OPEN_FRAMES, OPEN_ALERTS, ALERT_CAMERAS, redis_keys.ALERTS_STREAM,
        redis_keys.camera_latest(camera), redis_keys.camera_alerts(camera), verdicts_key(camera),
        *(f"frame:{camera}-{n}" for n in range(0, 120, 10)),
    ]  # fmt: skip
    rounds = 0

    def move_on() -> None:
        nonlocal rounds
        while not stop.is_set():
            for key in moved:
                nodes.begin_move(key).finish()
            rounds += 1

    mover = threading.Thread(target=move_on)
    mover.start()
    try:
        with running(settings):
            publish(settings, camera, range(120))
            eventually(lambda: committed(settings) == 720, 120)
            eventually(lambda: rounds >= 2, 60)
    finally:
        stop.set()
        mover.join(60)
    with running(settings), connect(settings.redis) as client:
        eventually(lambda: client.zcard(OPEN_ALERTS) == 0, 60)
        expected = str(kept(client, "undisturbed")).replace("undisturbed", camera)
        assert str(kept(client, camera)) == expected
        assert client.zcard(OPEN_FRAMES) == 0
        steps = [
            (fields[b"step"], fields[b"alert"].partition(b'","')[0])
            for _, fields in client.xrange(redis_keys.ALERTS_STREAM)
        ]
    mine = [(step, raw) for step, raw in steps if camera.encode() in raw]
    other = [(step, raw) for step, raw in steps if camera.encode() not in raw]
    assert len(mine) == len(set(mine)) == len(other)
