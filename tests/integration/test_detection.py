"""The detection worker on a real Kafka and a real Redis."""

import json
import threading
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import cv2
import numpy as np
import pytest
import redis
from confluent_kafka import TopicPartition

from streaming import redis_keys
from streaming.detection.membership import GROUP
from streaming.detection.worker import watch
from streaming.kafka import admin, clients, positions
from streaming.kafka.cameras import announce, withdraw
from streaming.messages import CameraCommand, Detection, DetectionResult, decode
from streaming.metrics import Metrics
from tests.waiting import eventually

CAMERAS = (
    "synthetic://junction?seed=1&width=320&height=180",
    "synthetic://junction?seed=2&width=320&height=180",
    "rtsp://me:s3cret@127.0.0.1:9/gone",
)
PARTITIONS = 4


class PlayedDetector:
    """Sees a person beside a car in every frame, and a car far away."""

    name = "played"
    lanes = 2

    def __init__(self):
        self.batches = []

    def detect(self, frames):
        self.batches.append(len(frames))
        return [
            (
                Detection(0, "person", 0, 0.9, (50.0, 50.0, 60.0, 80.0)),
                Detection(1, "car", 2, 0.8, (70.0, 50.0, 110.0, 80.0)),
                Detection(2, "car", 2, 0.8, (300.0, 50.0, 318.0, 60.0)),
            )
            for _ in frames
        ]


@pytest.fixture
def settings(make_settings):
    settings = make_settings(
        partitions=PARTITIONS,
        CAMERAS=" ".join(CAMERAS),
        TRAFFICMON_DETECTION__INTERVAL_S="0.2",
    )
    admin.ensure_topics(settings.kafka)
    return settings


class Running:
    """A worker in this process, with what came out of it."""

    def __init__(self, settings):
        self.settings = settings
        self.detector, self.metrics = PlayedDetector(), Metrics()
        self.redis = redis.Redis.from_url(settings.redis.url)
        self.stop = threading.Event()
        self._thread = threading.Thread(
            target=watch,
            args=(settings, "w1"),
            kwargs={
                "load_model": lambda: self.detector,
                "metrics": self.metrics,
                "stop": self.stop,
            },
        )
        self._reader = clients.reader(settings.kafka, topic_metadata_refresh_interval_ms=1_000)
        topic = settings.kafka.topics.detection_results.name
        self._reader.assign([TopicPartition(topic, p, 0) for p in range(PARTITIONS)])
        self.records = []
        self._thread.start()

    def results(self, camera_id=None):
        found = self._reader.consume(1_000, 0.1)
        self.records += [record for record in found if record.error() is None]
        decoded = [decode(record.value(), DetectionResult) for record in self.records]
        return [r for r in decoded if camera_id in (None, r.camera_id)]

    def status(self, camera_id):
        found = self.redis.hget(redis_keys.CAMERAS_STATUS, camera_id)
        return json.loads(found) if found else {}

    def count(self, camera_id, outcome):
        labels = {"camera_id": camera_id, "outcome": outcome}
        return self.metrics.registry.get_sample_value("trafficmon_frames_total", labels) or 0

    def end(self):
        self.stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive()

    def close(self):
        self.end()
        self._reader.close()
        self.redis.close()


@pytest.fixture
def worker(settings):
    running = Running(settings)
    yield running
    running.close()


def test_two_cameras_publish_while_a_dead_one_is_shown_offline(worker):
    eventually(lambda: len(worker.results("1")) >= 5 and len(worker.results("2")) >= 5)
    assert worker.results("3") == []
    dead = eventually(lambda: worker.status("3").get("status") == "offline" and worker.status("3"))
    assert "does not open" in dead["error"]
    assert "s3cret" not in json.dumps(dead)
    assert dead["workerId"] == "w1"
    assert worker.status("1")["status"] == "online"
    assert (
        worker.metrics.registry.get_sample_value("trafficmon_camera_online", {"camera_id": "3"})
        == 0.0
    )


def test_a_message_says_what_the_frame_shows_and_names_its_pictures(worker):
    eventually(worker.results)
    record, result = worker.records[0], worker.results()[0]
    assert record.key().decode() == result.camera_id
    headers = dict(record.headers())
    assert headers["content-type"] == b"application/json"
    assert len(headers["traceparent"]) == 55
    assert (result.frame.width, result.frame.height, result.model) == (320, 180, "played")
    assert timedelta(0) <= datetime.now(UTC) - result.captured_at < timedelta(seconds=40)
    (only,) = result.groups
    assert only.member_object_ids == (0, 1)
    assert only.xyxy == (38.0, 38.0, 122.0, 92.0)
    overview, crop = (
        cv2.imdecode(np.frombuffer(worker.redis.get(redis_keys.image(ref)), np.uint8), 1)
        for ref in (result.frame.image_ref, only.crop_ref)
    )
    assert (overview.shape, crop.shape) == ((180, 320, 3), (54, 84, 3))


def test_frames_come_on_the_cameras_grid_and_are_all_accounted_for(worker):
    eventually(lambda: len(worker.results("1")) >= 10)
    worker.end()
    published, dropped = worker.count("1", "published"), worker.count("1", "dropped")
    eventually(lambda: len(worker.results("1")) == published)
    results = sorted(worker.results("1"), key=lambda r: r.frame.sequence)
    assert len({r.message_id for r in results}) == published
    assert results[-1].frame.sequence <= published + dropped
    steps = [(b.captured_at - a.captured_at).total_seconds() for a, b in pairwise(results)]
    assert sorted(steps)[len(steps) // 2] == pytest.approx(0.2, abs=0.1)


def test_cameras_come_and_go_by_command_while_it_runs(worker):
    eventually(lambda: worker.results("1"))
    announce(
        worker.settings.kafka,
        CameraCommand(camera_id="new", name="New", source=CAMERAS[0], interval_s=0.1),
    )
    eventually(lambda: worker.results("new"))
    withdraw(worker.settings.kafka, "1")
    eventually(lambda: worker.status("1") == {})
    last = len(worker.results("1"))
    count = len(worker.results("new"))
    eventually(lambda: len(worker.results("new")) >= count + 5)
    assert len(worker.results("1")) <= last + 1
    assert worker.status("new")["status"] == "online"


def test_the_workers_group_shows_no_lag(worker):
    kafka = worker.settings.kafka
    announce(kafka, CameraCommand(camera_id="new", name="New", source=CAMERAS[0]))
    eventually(lambda: worker.results("1"))
    topic = kafka.topics.camera_control.name
    eventually(lambda: positions.lag(kafka).get((GROUP, topic)) == 0)


def test_an_ended_worker_leaves_no_camera_on_the_board(worker):
    eventually(lambda: worker.status("1").get("status") == "online")
    worker.end()
    assert worker.redis.hgetall(redis_keys.CAMERAS_STATUS) == {}
