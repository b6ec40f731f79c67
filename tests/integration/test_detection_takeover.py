"""Two workers share the cameras; one that dies or stands still loses them, and none runs twice."""

import os
import signal
from datetime import UTC, datetime
from itertools import accumulate, groupby

import cv2
import numpy as np
import pytest
from confluent_kafka import TopicPartition

from streaming.benchmark.scheduler.processes import Fleet
from streaming.detection import worker
from streaming.kafka import admin, clients
from streaming.messages import DetectionResult, decode
from tests.waiting import eventually

CAMERAS = 20
IDS = {str(n) for n in range(1, CAMERAS + 1)}
PARTITIONS = 8
START_S = 120
TAKE_OVER_S = 60


@pytest.fixture
def settings(make_settings, tmp_path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    cv2.imwrite(str(pictures / "grey.png"), np.full((96, 160, 3), 99, np.uint8))
    settings = make_settings(
        partitions=PARTITIONS,
        CAMERAS=" ".join([str(pictures)] * CAMERAS),
        TRAFFICMON_DETECTION__INTERVAL_S="1",
        TRAFFICMON_DETECTION__IMAGE_SIZE_PX="64",
    )
    admin.ensure_topics(settings.kafka)
    return settings


class Results:
    """What was published, in the order of each camera's partition: (camera, worker, result)."""

    def __init__(self, settings):
        topic = settings.kafka.topics.detection_results.name
        self._reader = clients.reader(settings.kafka)
        self._reader.assign([TopicPartition(topic, p, 0) for p in range(PARTITIONS)])
        self.all = []

    def read(self):
        for record in self._reader.consume(1_000, 0.05):
            assert record.error() is None
            result = decode(record.value(), DetectionResult)
            who = dict(record.headers())["worker"].decode()
            self.all.append((result.camera_id, who, result))
        return self.all

    def cameras_of(self, who, since=0):
        return {camera for camera, by, _ in self.read()[since:] if by == who}

    def holdings(self, camera_id):
        """Who had the camera, one entry for each holding, in the order of capture."""
        results = sorted((r.captured_at, by) for c, by, r in self.read() if c == camera_id)
        return [by for by, _ in groupby(results, key=lambda item: item[1])]

    def late(self, camera_id):
        """(worker, captured at) of what was published after a later frame of the camera."""
        found = [(by, r.captured_at) for c, by, r in self.read() if c == camera_id]
        newest = accumulate((at for _, at in found), max)
        return [one for one, latest in zip(found, newest, strict=True) if one[1] < latest]

    def close(self):
        self._reader.close()


@pytest.fixture
def results(settings):
    found = Results(settings)
    yield found
    found.close()


@pytest.fixture
def workers(settings, results, tmp_path):
    """Two of them, `a` and `b`, that have all cameras between them."""
    with Fleet(tmp_path) as fleet:
        pair = {name: fleet.start(name, worker.run, settings) for name in "ab"}

        def shared():
            fleet.check()
            late = len(results.read()) - 2 * len(IDS)
            a, b = (results.cameras_of(name, max(0, late)) for name in "ab")
            return a and b and a | b == IDS and not a & b

        eventually(shared, START_S)
        yield pair


def test_the_cameras_of_a_killed_worker_are_taken_over(workers, results):
    workers["a"].kill()
    since = len(results.read())
    eventually(lambda: results.cameras_of("b", since) == IDS, TAKE_OVER_S)
    for camera_id in IDS:
        assert results.holdings(camera_id)[-1] == "b"
        assert len(results.holdings(camera_id)) <= 3  # a alone at the start, b's share, a's loss
        assert not results.late(camera_id)


def test_a_worker_that_was_stopped_and_woken_publishes_nothing_of_what_it_lost(workers, results):
    pid = workers["a"]._process.pid
    os.kill(pid, signal.SIGSTOP)
    stopped_at = datetime.now(UTC)
    since = len(results.read())
    eventually(lambda: results.cameras_of("b", since) == IDS, TAKE_OVER_S)
    woken = len(results.read())
    os.kill(pid, signal.SIGCONT)

    def back():
        """It comes back as a new member, and is given cameras again."""
        workers["a"].check()
        return results.cameras_of("a", woken)

    eventually(back, 2 * TAKE_OVER_S)
    settled = len(results.read())
    eventually(
        lambda: results.cameras_of("a", settled) | results.cameras_of("b", settled) == IDS,
        TAKE_OVER_S,
    )
    for camera_id in IDS:
        # Each holding is one stretch: nobody watched between two frames of somebody else's.
        assert len(results.holdings(camera_id)) <= 5
        # What was with Kafka's client already (linger_ms) may come when it is woken.
        assert all(by == "a" and at < stopped_at for by, at in results.late(camera_id))
