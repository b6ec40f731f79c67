"""One sensor, tick after tick, and what the system around it says."""

import json
import time
from datetime import UTC, datetime

import dagster as dg
import msgspec
import redis

from streaming import redis_keys
from streaming.kafka.clients import producer
from streaming.messages import encode
from streaming.scheduling.recent import Counts
from streaming.scheduling.stats import POOL, InstanceStats, KeyStats, encode_instance
from streaming.settings import AlertSettings, Rule
from tests.builders import assessment_task
from tests.dagster_settings import given
from trafficmon_dagster.definitions import defs
from trafficmon_dagster.defs.alerts import sensors
from trafficmon_dagster.defs.alerts.states import Memory

BY_NAME = {sensor.name: sensor for sensor in sensors.alert_sensors}
AT_ONCE = {"resolve_after": 0.0, "remind_after": 0.0}
HOUR_S = 3600.0


class Ticking:
    """One sensor, tick after tick: its cursor, and what it told."""

    def __init__(self, instance, settings, name, monkeypatch):
        self.instance, self.settings, self.sensor = instance, settings, BY_NAME[name]
        self.now, self.cursor, self.last = time.time(), None, None
        monkeypatch.setattr(sensors, "clock", lambda: self.now)

    def tick(self, after_s=0.0):
        """(alert, state) of what changed."""
        self.now += after_s
        context = dg.build_sensor_context(
            self.instance,
            cursor=self.cursor,
            resources={"trafficmon": given(self.settings)},
            definitions=defs,
        )
        self.last = self.sensor(context)
        self.cursor = self.last.cursor
        (request,) = self.last.run_requests or [None]
        if request is None:
            return []
        told = request.run_config["ops"]["lake__alerts"]["config"]["changes"]
        assert len(self.last.asset_events) == len(told)
        return [(c["notice"]["id"], c["notice"]["state"]) for c in told]

    @property
    def states(self):
        memory = msgspec.json.decode(self.cursor, type=Memory)
        return {alert.id: alert.state for alert in memory.alerts}


def with_alerts(settings, *rules, **more):
    alerts = AlertSettings(rules=rules, **(AT_ONCE | more))
    return settings.model_copy(update={"alerts": alerts})


def rule(metric, threshold=0.0, **more):
    return Rule(name=more.pop("name", metric), metric=metric, threshold=threshold, **more)


def send_tasks(settings, count, *, timestamp_ms=0):
    out = producer(settings.kafka, client_id="test")
    for n in range(count):
        message = encode(assessment_task(message_id=f"m{n}"))
        topic = settings.kafka.topics.assessment_tasks.name
        out.produce(topic, message, key="1", timestamp=timestamp_ms)
    assert out.flush(30) == 0


BOTH = (("k1", "available"), ("k2", "available"))


def scheduler_says(settings, now, *, p95_bucket=0, failed=0, keys=BOTH, calls=0):
    """A scheduler with 100 tasks in the last five minutes."""
    latency = [0] * 4
    latency[p95_bucket] = 100 - failed
    recent = Counts(
        {"assessed": 100 - failed, "failed": failed},
        (1.0, 2.5, 5.0),
        tuple(latency),
        {"k1": (100, calls)},
    )
    stats = InstanceStats("1", now, tuple(KeyStats(*key) for key in keys), recent=recent)
    with redis.Redis.from_url(settings.redis.url) as client:
        client.hset(redis_keys.key_stats(POOL), "1", encode_instance(stats))


def api_lives(settings, now):
    with redis.Redis.from_url(settings.redis.url) as client:
        client.hset(redis_keys.DAEMONS_SEEN, "api", now)


def camera_says(settings, now, status, **more):
    told = {"status": status, "updatedAt": datetime.fromtimestamp(now, UTC).isoformat()} | more
    with redis.Redis.from_url(settings.redis.url) as client:
        client.hset(redis_keys.CAMERAS_STATUS, "3", json.dumps(told))
