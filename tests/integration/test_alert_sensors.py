"""The alert sensors on a real broker, Redis, lake and instance of Dagster, with a clock of ours."""

import json
import time
from datetime import UTC, datetime

import dagster as dg
import msgspec
import pytest
import redis

from streaming import redis_keys
from streaming.embedded import ports
from streaming.kafka import admin
from streaming.kafka.clients import consumer, member, producer
from streaming.kafka.groups import members
from streaming.lake import ask
from streaming.messages import encode
from streaming.scheduling.recent import Counts
from streaming.scheduling.stats import POOL, InstanceStats, KeyStats, encode_instance
from streaming.settings import AlertSettings, Rule, Silence
from tests.builders import assessment_task
from tests.dagster_settings import given
from tests.receivers import WebhookReceiver
from tests.waiting import eventually
from trafficmon_dagster.definitions import defs
from trafficmon_dagster.defs.alerts import sensors
from trafficmon_dagster.defs.alerts.readers import broker
from trafficmon_dagster.defs.alerts.states import Memory
from trafficmon_dagster.defs.alerts.table import alerts as alerts_table
from trafficmon_dagster.defs.alerts.table import notifications
from trafficmon_dagster.defs.lake.tables import ingestion_assets

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


@pytest.fixture
def instance():
    with dg.instance_for_test() as made:
        yield made


@pytest.fixture
def ticking(instance, monkeypatch):
    return lambda settings, name: Ticking(instance, settings, name, monkeypatch)


def with_alerts(settings, *rules, **more):
    alerts = AlertSettings(rules=rules, **(AT_ONCE | more))
    return settings.model_copy(update={"alerts": alerts})


def rule(metric, threshold=0.0, **more):
    return Rule(name=more.pop("name", metric), metric=metric, threshold=threshold, **more)


# --- Kafka --------------------------------------------------------------------------------------


def send_tasks(settings, count, *, timestamp_ms=0):
    out = producer(settings.kafka, client_id="test")
    for n in range(count):
        message = encode(assessment_task(message_id=f"m{n}"))
        topic = settings.kafka.topics.assessment_tasks.name
        out.produce(topic, message, key="1", timestamp=timestamp_ms)
    assert out.flush(30) == 0


def joined(settings, group):
    """A member of the group that has committed what it was given: nothing read yet."""
    one = member(settings.kafka, group=group, instance_id="1", on_commit=lambda *_: None)
    one.subscribe([settings.kafka.topics.assessment_tasks.name])
    eventually(lambda: one.poll(0.1) or one.assignment(), 60)
    places = one.assignment()
    for place in places:
        place.offset = 0
    one.commit(offsets=places, asynchronous=False)
    return one


def test_each_group_that_falls_behind_has_an_alert_of_its_own(make_settings, ticking):
    settings = with_alerts(make_settings(), rule("kafka_consumer_lag", 4, name="kafka_lag"))
    admin.ensure_topics(settings.kafka)
    topic = settings.kafka.topics.assessment_tasks.name
    groups = [joined(settings, "scheduling"), joined(settings, "another")]
    sensor = ticking(settings, "broker_alerts")
    assert sensor.tick() == []
    send_tasks(settings, 5)
    fired = {(f"kafka_lag{{group={g},topic={topic}}}", "firing") for g in ("scheduling", "another")}
    assert set(sensor.tick(15)) == fired
    assert sensor.tick(15) == []
    read_all(groups[0], settings)
    assert sensor.tick(15) == [(f"kafka_lag{{group=scheduling,topic={topic}}}", "resolved")]
    for group in groups:
        group.close()


def read_all(process, settings):
    topic = settings.kafka.topics.assessment_tasks.name
    ends = admin.watermarks(settings.kafka, [topic])
    places = process.assignment()
    for place in places:
        place.offset = ends[topic, place.partition][1]
    process.commit(offsets=places, asynchronous=False)


def test_a_daemon_without_a_process_is_gone_and_one_that_never_ran_is_not(make_settings, ticking):
    settings = with_alerts(make_settings(), rule("daemon_silent"))
    admin.ensure_topics(settings.kafka)
    process = joined(settings, "aggregation")
    sensor = ticking(settings, "broker_alerts")
    assert sensor.tick() == []
    process.close()
    eventually(lambda: members(settings.kafka)["aggregation"] == 0, 60)
    assert sensor.tick(15) == [("daemon_silent{daemon=aggregation}", "firing")]
    back = joined(settings, "aggregation")
    assert sensor.tick(15) == [("daemon_silent{daemon=aggregation}", "resolved")]
    back.close()


def test_tasks_that_flink_plans_have_no_process_in_their_group_and_are_not_gone(
    make_settings, ticking
):
    settings = with_alerts(make_settings(), rule("daemon_silent"))
    admin.ensure_topics(settings.kafka)
    send_tasks(settings, 10)
    process = joined(settings, "tasks")
    places = process.assignment()
    process.close()
    eventually(lambda: members(settings.kafka)["tasks"] == 0, 60)

    def commit(offset):
        own = consumer(settings.kafka, group="tasks", instance_id="flink")
        for place in places:
            place.offset = offset
        own.commit(offsets=places, asynchronous=False)
        own.close()

    sensor = ticking(settings, "broker_alerts")
    commit(1)
    assert sensor.tick() == []
    commit(2)
    assert sensor.tick(15) == []
    assert sensor.tick(15) == [("daemon_silent{daemon=tasks}", "firing")]
    commit(3)
    assert sensor.tick(15) == [("daemon_silent{daemon=tasks}", "resolved")]


# --- Redis --------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("bad", "alert"),
    [
        ({"p95_bucket": 2}, "latency_p95"),
        ({"failed": 6}, "error_rate"),
        ({"calls": 21}, "api_key_failures{key=k1}"),
        ({"keys": (("k1", "available"), ("k2", "disabled"))}, "api_key_disabled{key=k2}"),
        ({"keys": (("k1", "cooling"), ("k2", "cooling"))}, "no_api_key_available"),
    ],
)
def test_the_guides_thresholds_hold_for_the_last_five_minutes(make_settings, ticking, bad, alert):
    settings = with_alerts(make_settings())
    sensor = ticking(settings, "scheduler_alerts")

    def tick(**state):
        scheduler_says(settings, sensor.now + 15, **state)
        return sensor.tick(15)

    assert tick() == []
    told = [change for _ in range(6) for change in tick(**bad)]
    assert told == [(alert, "firing")]
    assert tick() == [(alert, "resolved")]


def test_what_a_scheduler_wrote_before_it_was_killed_raises_no_alert(make_settings, ticking):
    settings = with_alerts(make_settings())
    sensor = ticking(settings, "scheduler_alerts")
    scheduler_says(settings, sensor.now - 60, p95_bucket=3, failed=50)
    assert [sensor.tick(15) for _ in range(8)] == [[]] * 8
    assert "no scheduler is running" in sensor.last.skip_reason.skip_message


def camera_says(settings, now, status, **more):
    told = {"status": status, "updatedAt": datetime.fromtimestamp(now, UTC).isoformat()} | more
    with redis.Redis.from_url(settings.redis.url) as client:
        client.hset(redis_keys.CAMERAS_STATUS, "3", json.dumps(told))


@pytest.mark.parametrize(
    ("status", "more", "told"),
    [
        ("offline", {"error": "rtsp://u:a-secret@h/1: refused"}, [("camera_offline{camera=3}", "firing")]),
        ("opening", {}, [("camera_offline{camera=3}", "firing")]),
        ("online", {}, []),
        ("degraded", {"error": "late"}, []),
        ("offline", {"source": "a.mp4#once"}, []),
        ("offline", {"updatedAt": "2020-01-01T00:00:00+00:00"}, []),
    ],
)  # fmt: skip
def test_a_camera_that_gives_no_frames_has_an_alert_without_its_password(
    make_settings, ticking, status, more, told
):
    settings = with_alerts(make_settings(), rule("camera_offline"))
    sensor = ticking(settings, "camera_alerts")
    camera_says(settings, sensor.now, status, **more)
    assert sensor.tick() == told
    assert "a-secret" not in repr(sensor.last)
    camera_says(settings, sensor.now + 15, "online")
    assert sensor.tick(15) == [(alert, "resolved") for alert, _ in told]


# --- the lake and runs --------------------------------------------------------------------------


def test_an_hour_of_unread_messages_is_no_alert_where_ingestion_catches_up(make_settings, ticking):
    """Dagster was down for an hour; its first tick and the ingestion come at the same time."""
    settings = with_alerts(make_settings())
    admin.ensure_topics(settings.kafka)
    sensor = ticking(settings, "lake_alerts")
    eventually(lambda: sensor.tick() == [] and "all well" in sensor.last.skip_reason.skip_message)
    send_tasks(settings, 10, timestamp_ms=int((sensor.now + 60) * 1000))
    assert sensor.tick(HOUR_S) == []
    assert sensor.states == {"lake_behind{stream=tasks}": "pending"}
    dg.materialize(ingestion_assets, resources={"trafficmon": given(settings)})
    assert sensor.tick(30) == []
    assert sensor.states == {}


def test_what_the_lake_does_not_read_becomes_an_alert(make_settings, ticking):
    settings = with_alerts(make_settings(), rule("lake_delay", 600, duration=30))
    admin.ensure_topics(settings.kafka)
    sensor = ticking(settings, "lake_alerts")
    eventually(lambda: sensor.tick() == [] and "readings" in sensor.last.skip_reason.skip_message)
    send_tasks(settings, 10, timestamp_ms=int((sensor.now - 700) * 1000))
    told = [sensor.tick(15) for _ in range(3)]
    assert told == [[], [], [("lake_delay{stream=tasks}", "firing")]]
    dg.materialize(ingestion_assets, resources={"trafficmon": given(settings)})
    assert sensor.tick(15) == [("lake_delay{stream=tasks}", "resolved")]


def test_a_job_whose_last_runs_failed_has_an_alert_until_one_succeeds(
    make_settings, ticking, instance
):
    sensor = ticking(with_alerts(make_settings()), "run_alerts")

    def ended(job, status):
        instance.run_storage.add_run(dg.DagsterRun(job_name=job, status=status))

    assert sensor.tick() == []
    ended("record_alerts", dg.DagsterRunStatus.FAILURE)
    ended("ingestion", dg.DagsterRunStatus.FAILURE)
    assert sensor.tick(15) == [("run_failed{job=ingestion}", "firing")]
    ended("ingestion", dg.DagsterRunStatus.FAILURE)
    assert sensor.tick(15) == []
    ended("ingestion", dg.DagsterRunStatus.SUCCESS)
    assert sensor.tick(15) == [("run_failed{job=ingestion}", "resolved")]


# --- what is not there --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "alert"),
    [
        ("broker_alerts", "service_unreachable{service=kafka}"),
        ("scheduler_alerts", "service_unreachable{service=redis}"),
        ("camera_alerts", None),
        ("lake_alerts", None),
    ],
)
def test_a_service_that_is_gone_is_one_alert_of_the_sensor_that_owns_it(
    make_settings, ticking, name, alert
):
    dead = ports.any_free()
    settings = make_settings(
        KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{dead}",
        REDIS_URL=f"redis://:s3cr3t-pw@127.0.0.1:{dead}",
    )
    sensor = ticking(with_alerts(settings, rule("service_unreachable")), name)
    assert sensor.tick() == ([(alert, "firing")] if alert else [])
    assert "s3cr3t-pw" not in repr(sensor.last)


def test_a_look_that_hangs_ends_in_time_and_is_not_begun_twice(make_settings, ticking, monkeypatch):
    import threading

    released = threading.Event()
    looks = []

    def hang(*_):
        looks.append(1)
        released.wait(60)

    monkeypatch.setattr(broker, "read", hang)
    monkeypatch.setattr(sensors, "LOOK_WITHIN_S", 0.2)
    settings = with_alerts(make_settings(), rule("service_unreachable"))
    sensor = ticking(settings, "broker_alerts")
    told = [change for _ in range(3) for change in sensor.tick(15)]
    released.set()
    assert told == [("service_unreachable{service=kafka}", "firing")]
    assert len(looks) == 1


def test_wrong_settings_are_a_reason_to_skip(instance, tmp_path):
    (tmp_path / "monitoring.yaml").write_text("alerts: {rules: 7}")
    from trafficmon_dagster.resources import Trafficmon

    resources = {"trafficmon": Trafficmon(config_dir=str(tmp_path))}
    for sensor in sensors.alert_sensors:
        context = dg.build_sensor_context(instance, resources=resources, definitions=defs)
        assert "alerts.rules" in sensor(context).skip_message


# --- from the sensor to the people and the lake -------------------------------------------------


def recorded(settings, request):
    return dg.materialize(
        [notifications, alerts_table],
        resources={"trafficmon": given(settings)},
        run_config=request.run_config,
    )


def test_a_change_is_told_once_and_is_a_row_once(make_settings, ticking):
    hook = WebhookReceiver()
    channel = {"type": "webhook", "config": {"url": hook.url}}
    dead = {"type": "webhook", "name": "dead", "config": {"url": f"http://127.0.0.1:{ports.any_free()}/t0ken-dead"}}  # fmt: skip
    settings = with_alerts(
        make_settings(), rule("camera_offline"), notification_channels=(channel, dead)
    )
    sensor = ticking(settings, "camera_alerts")
    camera_says(settings, sensor.now, "offline")
    sensor.tick()
    (firing,) = sensor.last.run_requests
    result = recorded(settings, firing)
    assert hook.alerts == [("camera_offline", "firing")]
    checks = {e.check_name: e for e in result.get_asset_check_evaluations()}
    assert (checks["everyone_told"].passed, checks["nothing_fires"].passed) == (False, False)
    assert "t0ken" not in repr(result.get_asset_materialization_events())
    # The step that writes is run again after a crash.
    dg.materialize(
        [alerts_table],
        resources={"trafficmon": given(settings)},
        run_config={"ops": {"lake__alerts": firing.run_config["ops"]["lake__alerts"]}},
    )
    camera_says(settings, sensor.now + 15, "online")
    sensor.tick(15)
    (over,) = sensor.last.run_requests
    assert over.run_key != firing.run_key
    done = {e.check_name: e.passed for e in recorded(settings, over).get_asset_check_evaluations()}
    assert done["nothing_fires"]
    assert hook.alerts == [("camera_offline", "firing"), ("camera_offline", "resolved")]
    rows = ask(settings, "SELECT alert, state, labels['camera'] FROM alerts ORDER BY changed_at")
    assert rows.rows == (
        ("camera_offline{camera=3}", "firing", "3"),
        ("camera_offline{camera=3}", "resolved", "3"),
    )
    hook.close()


def test_within_a_silence_it_is_a_row_and_nobody_is_told(make_settings, ticking):
    hook = WebhookReceiver()
    channel = {"type": "webhook", "config": {"url": hook.url}}
    quiet = Silence(labels={"camera": "3"}, daily="00:00-23:59", reason="roadworks")
    later = Silence(rule="camera_offline", until=datetime(2999, 1, 1, tzinfo=UTC))
    settings = with_alerts(
        make_settings(), rule("camera_offline"),
        notification_channels=(channel,), silences=(quiet, later),
    )  # fmt: skip
    sensor = ticking(settings, "camera_alerts")
    camera_says(settings, sensor.now, "offline")
    assert sensor.tick() == [("camera_offline{camera=3}", "firing")]
    recorded(settings, sensor.last.run_requests[0])
    assert hook.bodies == []
    assert ask(settings, "SELECT state FROM alerts").rows == (("firing",),)
    hook.close()


def test_by_hand_it_tells_nobody_and_shows_what_fires(make_settings):
    settings = with_alerts(make_settings())
    result = dg.materialize(
        [notifications, alerts_table], resources={"trafficmon": given(settings)}
    )
    (event,) = result.asset_materializations_for_node("lake__alerts")
    assert event.metadata["firing"].value == "Nothing fires."
    assert all(e.passed for e in result.get_asset_check_evaluations())


def test_a_day_of_ticks_grows_neither_cursor_nor_runs(make_settings, ticking):
    """Latency is bad for half an hour of every six; a tick every 100 s."""
    settings = with_alerts(make_settings(), resolve_after=60.0, remind_after=14_400.0)
    sensor = ticking(settings, "scheduler_alerts")
    told, longest = [], 0
    for tick in range(864):
        scheduler_says(settings, sensor.now + 100, p95_bucket=3 if tick % 216 < 18 else 0)
        told += sensor.tick(100)
        longest = max(longest, len(sensor.cursor))
    assert told == [("latency_p95", "firing"), ("latency_p95", "resolved")] * 4
    assert longest < 1_000
