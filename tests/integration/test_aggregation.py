"""The aggregation worker on a real Kafka and a real Redis."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import permutations

import msgspec
import pytest
import redis
from confluent_kafka import Producer

from streaming import redis_keys
from streaming.aggregation.aggregator import Aggregator
from streaming.aggregation.alert_store import OPEN_ALERTS
from streaming.aggregation.alerts import Alert
from streaming.aggregation.frame_store import OPEN_FRAMES, Arrival, FrameStore
from streaming.aggregation.live_store import LiveStore, verdicts_key
from streaming.aggregation.worker import aggregate
from streaming.kafka import admin
from streaming.kafka.clients import producer
from streaming.kafka.snapshot import records
from streaming.messages import DetectionResult, Message, SkippedGroup, SkippedGroups, encode
from streaming.metrics import Metrics
from streaming.redis_client import connect
from streaming.settings import RedisSettings, Settings
from tests.builders import detection_result, group, risk_assessment
from tests.waiting import eventually

NOW = datetime(2026, 11, 23, 12, 0, 5, tzinfo=UTC)


@contextmanager
def running(settings: Settings) -> Iterator[Metrics]:
    """The worker in a thread, stopped and joined at the end."""
    stop, metrics = threading.Event(), Metrics()
    thread = threading.Thread(target=aggregate, args=(settings, "1", metrics, stop))
    thread.start()
    try:
        yield metrics
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture
def store(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def settings(make_settings) -> Settings:
    made = make_settings(TRAFFICMON_SERVING__AGGREGATION__MERGE_TIMEOUT_S="0.5")
    admin.ensure_topics(made.kafka)
    return made


@pytest.fixture
def out(settings: Settings) -> Iterator[Producer]:
    client = producer(settings.kafka, client_id="test")
    yield client
    client.flush(10)


def send(out: Producer, settings: Settings, *messages: Message) -> None:
    topics = settings.kafka.topics
    for message in messages:
        topic = {
            DetectionResult: topics.detection_results,
            SkippedGroups: topics.skipped_groups,
        }.get(type(message), topics.risk_assessment_results)
        out.produce(topic.name, encode(message), getattr(message, "camera_id"))  # noqa: B009
    assert out.flush(10) == 0


def latest(store: redis.Redis, camera_id: str) -> dict:
    return json.loads(store.get(redis_keys.camera_latest(camera_id)) or b"{}")


def frame_of(store: redis.Redis, camera_id: str) -> dict:
    """The newest frame; empty while only a verdict or a notice of it has come."""
    return latest(store, camera_id).get("frame") or {}


def now_frame(camera_id: str, message_id: str, after_s: float = 0.0, **fields):
    at = NOW + timedelta(seconds=after_s)
    return detection_result(camera_id=camera_id, message_id=message_id, captured_at=at, **fields)


def verdict_of(frame: DetectionResult, index: int = 0, **fields):
    return risk_assessment(
        camera_id=frame.camera_id, message_id=frame.message_id, captured_at=frame.captured_at,
        group_index=index, group_count=len(frame.groups), **fields,
    )  # fmt: skip


def notice_of(frame: DetectionResult, *like: str | None):
    """The frame's first groups were skipped: like these tasks, or (None) for the rate."""
    skipped = tuple(
        SkippedGroup(i, "repeat" if task else "rate", task) for i, task in enumerate(like)
    )
    return SkippedGroups(
        message_id=frame.message_id, camera_id=frame.camera_id, captured_at=frame.captured_at,
        group_count=len(frame.groups), skipped=skipped,
    )  # fmt: skip


def test_a_frame_shows_at_once_and_takes_its_verdicts_in(settings, out, store):
    frame = now_frame("a1", "m1", groups=(group(), group(group_index=1)))
    with running(settings):
        send(out, settings, frame)
        shown = eventually(lambda: latest(store, "a1"))
        assert (shown["frame"]["state"], shown["verdict"]) == ("pending", None)
        send(out, settings, verdict_of(frame, 1, risk_level="none"))
        send(out, settings, verdict_of(frame, 0, risk_level="high"))
        eventually(lambda: frame_of(store, "a1").get("state") == "complete")
    shown = latest(store, "a1")
    assert shown["frame"]["maxRiskLevel"] == shown["verdict"]["maxRiskLevel"] == "high"
    assert [g["riskLevel"] for g in shown["frame"]["groups"]] == ["high", "none"]
    assert store.ttl(redis_keys.camera_latest("a1")) > 200
    (alert,) = map(json.loads, store.lrange(redis_keys.camera_alerts("a1"), 0, -1))
    assert (alert["riskLevel"], alert["id"]) == ("high", "m1:0")
    assert store.xlen(redis_keys.ALERTS_STREAM) == 1
    assert store.zcard(OPEN_FRAMES) == 0
    committed = admin.committed(
        settings.kafka, "aggregation", [t.name for t in settings.kafka.topics.all()]
    )
    assert sum(committed.values()) == 3


def test_missing_groups_are_given_up_and_corrected(settings, out, store):
    frame = now_frame("p1", "m1", groups=(group(), group(group_index=1)))
    with running(settings) as metrics:
        send(out, settings, frame, verdict_of(frame, 0, risk_level="none"))
        eventually(lambda: frame_of(store, "p1").get("state") == "partial")
        assert latest(store, "p1")["frame"]["maxRiskLevel"] == "unknown"
        send(out, settings, verdict_of(frame, 1, risk_level="low"))
        eventually(lambda: frame_of(store, "p1").get("state") == "complete")
    assert latest(store, "p1")["frame"]["maxRiskLevel"] == "low"
    assert len(store.zrange(verdicts_key("p1"), 0, -1)) == 1
    assert metrics.results_merged.labels("partial")._value.get() == 1


def test_bytes_that_are_no_message_are_set_aside_and_the_rest_goes_on(settings, out, store):
    topics = settings.kafka.topics
    out.produce(topics.risk_assessment_results.name, b"<html>", b"d1")
    out.produce(topics.detection_results.name, b'{"messageId":1}', b"d1")
    frame = now_frame("d1", "m1")
    with running(settings):
        send(out, settings, frame, verdict_of(frame))
        # Both topics are read up to here: the two come in any order.
        eventually(lambda: frame_of(store, "d1") and latest(store, "d1")["verdict"])
    letters = list(
        records(settings.kafka, [f"{t.name}.dlq" for t in (topics.detection_results, topics.risk_assessment_results)])
    )  # fmt: skip
    assert sorted(r.value() for r in letters) == [b"<html>", b'{"messageId":1}']
    reasons = dict(letters[0].headers())
    assert reasons["stage"] == b"aggregation"
    assert b"BadMessage" in reasons["error"]


def test_a_restart_in_the_middle_of_a_frame_loses_nothing(settings, out, store):
    frame = now_frame("r1", "m1", groups=(group(), group(group_index=1)))
    with running(settings):
        send(out, settings, frame, verdict_of(frame, 0, risk_level="medium"))
        eventually(lambda: latest(store, "r1").get("verdict"))
    send(out, settings, verdict_of(frame, 1, risk_level="none"))
    with running(settings):
        eventually(lambda: frame_of(store, "r1").get("state") == "complete")
    assert [g["riskLevel"] for g in latest(store, "r1")["frame"]["groups"]] == ["medium", "none"]
    assert store.llen(redis_keys.camera_alerts("r1")) == 1


def test_a_skipped_group_shows_the_earlier_verdict(settings, out, store):
    """The notice and the next frame come before the verdict that both of them wait for."""
    first, second = now_frame("k1", "m1"), now_frame("k1", "m2", 1.8)
    with running(settings):
        send(out, settings, first, second, notice_of(second, "m1:0"))
        eventually(lambda: frame_of(store, "k1").get("messageId") == "m2")
        send(out, settings, verdict_of(first, risk_level="high"))
        # A busy machine may give m2 up first; its verdict corrects that.
        eventually(
            lambda: (
                (v := latest(store, "k1")["verdict"] or {}).get("messageId") == "m2"
                and v["state"] == "complete"
            ),
            30,
        )
    shown = latest(store, "k1")["verdict"]
    assert (shown["messageId"], shown["state"], shown["maxRiskLevel"]) == ("m2", "complete", "high")
    (one,) = shown["groups"]
    assert (one["skipped"], one["carriedAgeS"], one["taskId"]) == ("repeat", 1.8, "m1:0")


class TestAggregator:
    """The same without Kafka, where the order of arrival can be chosen."""

    @pytest.fixture
    def store(self, any_redis_url):
        with connect(RedisSettings(url=any_redis_url)) as client:
            yield client

    @pytest.fixture
    def aggregator(self, store):
        frames, live = FrameStore(store, merge_timeout_s=10), LiveStore(store)
        return Aggregator(frames, live, camera_names={"o1": "Harbour Road"})

    @staticmethod
    def arrivals(*messages):
        return [Arrival.of(m, encode(m)) for m in messages]

    def test_an_older_frame_never_overwrites_a_newer_one(self, aggregator, store):
        old, new = now_frame("o1", "m1"), now_frame("o1", "m2", 1.8)
        aggregator.apply(self.arrivals(new), NOW)
        aggregator.apply(self.arrivals(old, verdict_of(old, risk_level="low")), NOW)
        shown = latest(store, "o1")
        assert shown["frame"]["messageId"] == "m2"
        assert (shown["verdict"]["messageId"], shown["verdict"]["maxRiskLevel"]) == ("m1", "low")
        aggregator.apply(self.arrivals(verdict_of(new, risk_level="none")), NOW)
        aggregator.apply(self.arrivals(verdict_of(old, risk_level="low")), NOW)
        assert latest(store, "o1")["verdict"]["messageId"] == "m2"

    def test_a_calm_frame_needs_no_verdict(self, aggregator, store):
        aggregator.apply(self.arrivals(now_frame("o1", "m1", groups=())), NOW)
        assert latest(store, "o1")["verdict"]["maxRiskLevel"] == "none"

    def test_verdicts_may_come_before_their_frame(self, aggregator, store):
        frame = now_frame("o1", "m1")
        aggregator.apply(self.arrivals(verdict_of(frame, risk_level="high")), NOW)
        assert store.llen(redis_keys.camera_alerts("o1")) == 0
        aggregator.apply(self.arrivals(frame), NOW)
        (raw,) = store.lrange(redis_keys.camera_alerts("o1"), 0, -1)
        alert = json.loads(raw)
        assert (alert["cameraName"], alert["imageRef"]) == ("Harbour Road", "c" * 32)

    def test_applying_everything_again_in_another_order_changes_nothing(self, aggregator, store):
        frames = [now_frame("o1", f"m{i}", 1.8 * i, groups=(group(), group(group_index=1))) for i in range(4)]  # fmt: skip
        verdicts = [
            verdict_of(f, i, risk_level=("high", "none")[i]) for f in frames for i in (0, 1)
        ]
        aggregator.apply(self.arrivals(*frames, *verdicts), NOW)
        kept = [redis_keys.camera_latest("o1"), "{camera:o1:latest}:parts"]
        before = store.get(kept[0]), store.hgetall(kept[1]), store.lrange("alerts:o1", 0, -1)
        for message in reversed([*frames, *verdicts]):
            aggregator.apply(self.arrivals(message, message), NOW)
        assert before == (
            store.get(kept[0]), store.hgetall(kept[1]), store.lrange("alerts:o1", 0, -1)
        )  # fmt: skip
        assert store.zcard(OPEN_FRAMES) == 0

    def test_a_carried_danger_is_the_same_alert_going_on(self, aggregator, store):
        first = now_frame("o1", "m1")
        aggregator.apply(self.arrivals(first, verdict_of(first, risk_level="high")), NOW)
        for i in range(2, 12):
            frame = now_frame("o1", f"m{i}", 1.8 * i)
            aggregator.apply(self.arrivals(notice_of(frame, "m1:0"), frame), NOW)
        (raw,) = store.lrange(redis_keys.camera_alerts("o1"), 0, -1)
        alert = json.loads(raw)
        assert alert["lastSeenAt"] > alert["capturedAt"]
        assert alert["sightings"] == [f"m{i}:0" for i in range(1, 12)]
        assert store.xlen(redis_keys.ALERTS_STREAM) == 1

    def test_the_order_of_frame_notice_and_verdict_does_not_matter(self, aggregator, store):
        first, second = now_frame("o1", "m1"), now_frame("o1", "m2", 1.8)
        messages = [first, second, notice_of(second, "m1:0"), verdict_of(first, risk_level="low")]
        for n, order in enumerate(permutations(messages)):
            store.flushdb()
            for message in order:
                aggregator.apply(self.arrivals(message), NOW)
            shown = latest(store, "o1")["verdict"]
            assert (shown["messageId"], shown["maxRiskLevel"]) == ("m2", "low"), n
            assert store.zcard(OPEN_FRAMES) == 0, n

    def test_a_group_skipped_for_the_rate_is_unknown_and_waited_for_by_nobody(
        self, aggregator, store
    ):
        frame = now_frame("o1", "m1")
        aggregator.apply(self.arrivals(frame, notice_of(frame, None)), NOW)
        shown = latest(store, "o1")["verdict"]
        assert (shown["state"], shown["maxRiskLevel"]) == ("complete", "unknown")

    def test_one_dangerous_moment_is_one_alert(self, aggregator, store):
        levels = ("medium", "medium", "high", "medium")
        for i, level in enumerate(levels):
            frame = now_frame("o1", f"m{i}", 1.8 * i)
            aggregator.apply(self.arrivals(frame, verdict_of(frame, risk_level=level)), NOW)
        (raw,) = store.lrange(redis_keys.camera_alerts("o1"), 0, -1)
        alert = json.loads(raw)
        assert (alert["riskLevel"], alert["currentLevel"]) == ("high", "medium")
        assert alert["sightings"] == [f"m{i}:0" for i in range(4)]
        steps = [fields[b"step"] for _, fields in store.xrange(redis_keys.ALERTS_STREAM)]
        assert steps == [b"opened", b"raised", b"lowered"]

    def test_a_danger_that_is_seen_no_more_closes_its_alert(self, aggregator, store):
        first, late = now_frame("o1", "m1"), now_frame("o1", "m2", 9.0)
        aggregator.apply(self.arrivals(first, verdict_of(first, risk_level="high")), NOW)
        aggregator.close_alerts(NOW + timedelta(seconds=10))
        assert self.alert(store)["closedAt"] is None
        aggregator.close_alerts(NOW + timedelta(seconds=18))
        assert self.alert(store)["closedAt"] > self.alert(store)["lastSeenAt"]
        aggregator.close_alerts(NOW + timedelta(seconds=19))
        later = NOW + timedelta(seconds=20)
        aggregator.apply(self.arrivals(late, verdict_of(late, risk_level="high")), later)
        assert self.alert(store)["closedAt"] is None
        aggregator.close_alerts(later + timedelta(seconds=18))
        assert store.zcard(OPEN_ALERTS) == 0
        steps = [fields[b"step"] for _, fields in store.xrange(redis_keys.ALERTS_STREAM)]
        assert steps == [b"opened", b"closed", b"opened", b"closed"]

    def test_an_alert_that_grew_since_it_was_read_is_not_closed(self, aggregator, store):
        """Another worker has the camera now, and this one is late."""
        frames = [now_frame("o1", f"m{i}", 1.8 * i) for i in (1, 2)]
        aggregator.apply(self.arrivals(frames[0], verdict_of(frames[0], risk_level="high")), NOW)
        (before,) = store.lrange("alerts:o1", 0, -1)
        aggregator.apply(self.arrivals(frames[1], verdict_of(frames[1], risk_level="high")), NOW)
        alerts = LiveStore(store).alerts
        assert alerts._close([(msgspec.json.decode(before, type=Alert), before)]) == []
        assert self.alert(store)["closedAt"] is None

    @staticmethod
    def alert(store):
        (raw,) = store.lrange("alerts:o1", 0, -1)
        return json.loads(raw)

    def test_the_newest_hundred_alerts_of_a_camera_are_kept(self, aggregator, store):
        for i in range(103):
            frame = now_frame("o1", f"m{i}", 60.0 * i)
            aggregator.apply(self.arrivals(frame, verdict_of(frame, risk_level="high")), NOW)
        kept = [json.loads(raw)["id"] for raw in store.lrange("alerts:o1", 0, -1)]
        assert kept == [f"m{i}:0" for i in range(102, 2, -1)]

    def test_an_alerts_picture_outlives_the_others(self, aggregator, store):
        store.set(redis_keys.image("c" * 32), b"jpeg", ex=60)
        frame = now_frame("o1", "m1")
        aggregator.apply(self.arrivals(frame, verdict_of(frame, risk_level="high")), NOW)
        assert store.ttl(redis_keys.image("c" * 32)) > 3600
