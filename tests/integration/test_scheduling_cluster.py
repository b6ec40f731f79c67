"""A scheduler on a Redis Cluster whose slots move: every task ends once, and no limit is broken."""

import threading
from collections import Counter

import pytest

from streaming import redis_keys
from streaming.kafka.admin import ensure_topics
from streaming.scheduling.slots_script import key_of
from streaming.settings import Settings
from tests.integration.test_scheduling import (
    PATIENCE_S,
    Results,
    all_committed,
    provider,
    scheduler,
    send,
    tasks,
)
from tests.redis_servers import Nodes
from tests.waiting import eventually

__all__ = ["provider"]
COUNT = 150


@pytest.fixture
def settings(make_settings, provider, redis_cluster: Nodes) -> Settings:
    redis_cluster.empty()
    made: Settings = provider.for_settings(make_settings(REDIS_URL=redis_cluster.url))
    ensure_topics(made.kafka)
    return made


def test_every_task_ends_once_while_slots_move(settings, provider, redis_cluster):
    todo = tasks(COUNT)
    keys = [key_of("rules"), *(redis_keys.assessed(task.task_id) for task in todo[::10])]
    stop = threading.Event()
    moved: list[str] = []

    def move_on() -> None:
        while not stop.is_set():
            for key in keys:
                redis_cluster.begin_move(key).finish()
                moved.append(key)

    mover = threading.Thread(target=move_on)
    results = Results(settings)
    try:
        with scheduler(settings):
            mover.start()
            send(settings, *todo)
            eventually(results.ids, PATIENCE_S)
            before = len(moved)
            eventually(lambda: len(results.ids()) == COUNT, PATIENCE_S)
            assert len(moved) > before  # in the middle of the work
            eventually(lambda: all_committed(settings), PATIENCE_S)
    finally:
        stop.set()
        mover.join(30)
        results.close()
    assert {r.status for r in results.all} == {"assessed"}
    assert max(Counter(r.task_id for r in results.all).values()) == 1
    assert max(provider.stats()["tasks"].values()) == 1
