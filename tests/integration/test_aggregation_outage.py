"""Aggregation while Redis is away, and killed in the middle: nothing is lost."""

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from redis.exceptions import RedisError

from streaming import redis_keys
from streaming.aggregation.alert_store import OPEN_ALERTS
from streaming.aggregation.live_store import verdicts_key
from streaming.aggregation.worker import aggregate
from streaming.errors import KafkaUnreachable
from streaming.kafka import admin
from streaming.kafka.clients import producer
from streaming.messages import encode
from streaming.metrics import Metrics
from streaming.settings import Settings
from tests.builders import NOON, detection_result, group, risk_assessment
from tests.integration.own_redis import OwnRedis
from tests.waiting import eventually


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    server = OwnRedis(tmp_path / "redis")
    server.start()
    yield server
    server.kill()


@contextmanager
def running(settings: Settings) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=aggregate, args=(settings, "1", Metrics(), stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def publish(settings: Settings, camera_id: str, numbers: range) -> None:
    """One frame of two groups and its verdicts for each number."""
    out, topics = producer(settings.kafka, client_id="test"), settings.kafka.topics
    for n in numbers:
        at = NOON + timedelta(seconds=n)
        message_id = f"{camera_id}-{n}"
        frame = detection_result(
            camera_id=camera_id, message_id=message_id, captured_at=at,
            groups=(group(), group(group_index=1)),
        )  # fmt: skip
        out.produce(topics.detection_results.name, encode(frame), camera_id)
        for index in (0, 1):
            verdict = risk_assessment(
                camera_id=camera_id, message_id=message_id, captured_at=at, group_index=index,
                group_count=2, risk_level="high" if n % 10 == 0 else "none",
            )  # fmt: skip
            out.produce(topics.risk_assessment_results.name, encode(verdict), camera_id)
    assert out.flush(20) == 0


def kept(client: redis.Redis, camera_id: str) -> dict[str, object]:
    """What the API reads of a camera."""
    latest = json.loads(client.get(redis_keys.camera_latest(camera_id)) or b"null")
    return {
        "latest": latest,
        "verdicts": client.zrange(verdicts_key(camera_id), 0, -1),
        "alerts": client.lrange(redis_keys.camera_alerts(camera_id), 0, -1),
    }


def committed(settings: Settings) -> int:
    """Messages committed; -1 while a busy broker does not say."""
    names = [t.name for t in settings.kafka.topics.all()]
    try:
        return sum(admin.committed(settings.kafka, "aggregation", names).values())
    except (KafkaUnreachable, TimeoutError):
        return -1


def test_what_comes_while_redis_is_away_is_there_when_it_is_back(make_settings, own_redis):
    settings = make_settings(REDIS_URL=own_redis.url, TRAFFICMON_REDIS__TIMEOUT_S="0.5")
    admin.ensure_topics(settings.kafka)
    with redis.Redis.from_url(own_redis.url) as client, running(settings):
        publish(settings, "away", range(5))
        eventually(lambda: committed(settings) == 15)
        own_redis.kill()
        publish(settings, "away", range(5, 20))
        with pytest.raises(RedisError):
            client.ping()
        assert committed(settings) in {15, -1}
        own_redis.start()
        eventually(lambda: committed(settings) == 60)
        shown = kept(client, "away")
    assert shown["latest"]["frame"]["messageId"] == "away-19"
    assert shown["latest"]["frame"]["state"] == "complete"


@pytest.mark.parametrize("kills", [3])
def test_killed_in_the_middle_it_ends_as_if_it_had_not_been(make_settings, redis_url, kills):
    settings = make_settings()
    admin.ensure_topics(settings.kafka)
    client = redis.Redis.from_url(redis_url)
    publish(settings, "undisturbed", range(300))
    with running(settings):
        eventually(lambda: committed(settings) == 900)
    publish(settings, "killed", range(300))
    for n in range(kills):
        process = start_worker(settings)
        wanted = 900 + (n + 1) * 100
        eventually(
            lambda p=process, w=wanted: seen(client) * 3 + 900 >= w or p.poll() is not None, 60
        )
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
    with running(settings):
        eventually(lambda: committed(settings) == 1800)
        # A danger of a minute ago is over: every alert is closed, whoever opened it.
        eventually(lambda: client.zcard(OPEN_ALERTS) == 0)
    expected = json.dumps(kept(client, "undisturbed"), default=bytes.decode)
    assert json.dumps(kept(client, "killed"), default=bytes.decode) == expected.replace(
        "undisturbed", "killed"
    )
    client.close()


def seen(client: redis.Redis) -> int:
    return client.zcard(verdicts_key("killed"))


def start_worker(settings: Settings) -> subprocess.Popen[bytes]:
    """The worker as a process; the settings travel as the pickle they are."""

    code = (
        "import pickle, sys, threading\n"
        "from streaming.aggregation.worker import aggregate\n"
        "from streaming.metrics import Metrics\n"
        "settings = pickle.loads(sys.stdin.buffer.read())\n"
        "aggregate(settings, '1', Metrics(), threading.Event())\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(pickle.dumps(settings))
    process.stdin.close()
    return process
