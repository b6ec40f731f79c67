"""The way out: bounded, drops told, and Redis' absence no reason to stand still."""

import threading
from datetime import UTC, datetime

import cv2
import numpy as np
import pytest
import redis
from confluent_kafka import KafkaError

from streaming.detection.analysed import AnalysedFrame, ResultRules
from streaming.detection.camera import CapturedFrame
from streaming.detection.grouping import GroupingRules
from streaming.detection.pictures import PictureRules
from streaming.detection.publisher import Outlets, Publisher
from streaming.messages import Detection, DetectionResult, decode
from streaming.metrics import Metrics
from tests.waiting import eventually

RULES = ResultRules(GroupingRules(), PictureRules(max_px=100, quality=50))


class PlayedProducer:
    """A broker that is there or away; messages wait with the producer while it is away."""

    def __init__(self, *, away=False):
        self.away = away
        self.waiting, self.sent = [], []

    def __len__(self):
        return len(self.waiting)

    def produce(self, _topic, *, key, value, headers, on_delivery):
        self.waiting.append((key, value, headers, on_delivery))

    def poll(self, _timeout):
        if not self.away:
            self._report(None)

    def flush(self, _timeout):
        self.poll(0)
        return len(self.waiting)

    def undelivered(self, _topic, error):
        self.failed = error

    def purge(self):
        self._report(KafkaError(KafkaError._PURGE_QUEUE))

    def _report(self, error):
        reported, self.waiting = self.waiting, []
        for key, value, headers, on_delivery in reported:
            if error is None:
                self.sent.append((key, decode(value, DetectionResult), headers))
            on_delivery(error, None)


class PlayedImages:
    def __init__(self, *, away=False):
        self.away, self.tries, self.shapes = away, 0, {}

    def put_all(self, jpegs):
        self.tries += 1
        if self.away:
            raise redis.ConnectionError("redis://me:s3cret@host refused")
        refs = [f"ref{len(self.shapes) + n}" for n in range(len(jpegs))]
        for ref, jpeg in zip(refs, jpegs, strict=True):
            self.shapes[ref] = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).shape
        return refs


def analysed(camera_id, sequence):
    box_of = {0: (10.0, 10.0, 20.0, 20.0), 1: (30.0, 10.0, 40.0, 20.0)}
    users = tuple(Detection(i, "car", 2, 0.9, box) for i, box in box_of.items())
    image = np.zeros((50, 100, 3), np.uint8)
    frame = CapturedFrame(camera_id, sequence, datetime.now(UTC), image)
    return AnalysedFrame(frame, users, inference_ms=1.0, model="m")


@pytest.fixture
def publishing():
    made = []

    def start(producer, images, waiting=4, hold=lambda _camera_id, _term: "ours"):
        metrics = Metrics()
        outlets = Outlets(producer, "t", images, metrics, "w1", hold)
        publisher = Publisher(outlets, RULES, waiting=waiting)
        made.append(publisher)
        publisher.start()

        def count(outcome):
            samples = next(iter(metrics.frames.collect())).samples
            counted = [s for s in samples if s.name.endswith("_total")]
            return sum(s.value for s in counted if s.labels["outcome"] == outcome)

        return publisher, count

    yield start
    for publisher in made:
        publisher.stop(1)


def test_frames_are_published_with_their_pictures_and_counted(publishing):
    producer = PlayedProducer()
    images = PlayedImages()
    publisher, count = publishing(producer, images)
    publisher.offer(analysed("7", 1))
    eventually(lambda: count("published") == 1)
    ((key, result, headers),) = producer.sent
    assert (key, result.camera_id, result.frame.sequence) == ("7", "7", 1)
    assert images.shapes[result.frame.image_ref] == (50, 100, 3)
    assert images.shapes[result.groups[0].crop_ref] == (32, 52, 3)
    assert dict(headers)["schema-version"] == b"1"
    assert dict(headers)["worker"] == b"w1"


def test_frames_that_wait_share_one_way_to_redis(publishing):
    producer, images, known = PlayedProducer(), PlayedImages(), threading.Event()
    publisher, count = publishing(
        producer, images, waiting=9, hold=lambda *_: "ours" if known.is_set() else "doubtful"
    )
    for sequence in range(6):
        publisher.offer(analysed(str(sequence), 1))
    known.set()
    eventually(lambda: count("published") == 6)
    assert images.tries <= 2
    for _, frame, _ in producer.sent:
        assert images.shapes[frame.frame.image_ref] == (50, 100, 3)
        assert images.shapes[frame.groups[0].crop_ref] == (32, 52, 3)


def test_without_redis_messages_go_out_without_pictures_and_redis_is_not_pestered(publishing):
    producer, images = PlayedProducer(), PlayedImages(away=True)
    publisher, count = publishing(producer, images, waiting=50)
    for sequence in range(20):
        publisher.offer(analysed("7", sequence))
    eventually(lambda: count("published") == 20)
    assert images.tries == 1
    assert producer.sent[0][1].frame.image_ref is None
    assert producer.sent[0][1].groups[0].crop_ref is None


def test_while_kafka_is_away_the_newest_wait_and_the_rest_is_counted(publishing):
    producer = PlayedProducer(away=True)
    publisher, count = publishing(producer, PlayedImages(), waiting=4)
    for sequence in range(10):
        publisher.offer(analysed("a", sequence))
        eventually(lambda n=sequence: len(producer) >= min(n + 1, 4))
    publisher.offer(analysed("b", 1))
    assert len(producer) == 4
    assert count("dropped") == 3  # 11 frames: 4 with the producer, 4 queued
    producer.away = False
    eventually(lambda: count("published") == 8)
    published = [(r.camera_id, r.frame.sequence) for _, r, _ in producer.sent]
    assert ("b", 1) in published
    assert ("a", 9) in published
    assert count("dropped") + count("published") == 11


def test_what_cannot_be_sent_before_the_end_is_counted_as_failed(publishing):
    producer = PlayedProducer(away=True)
    publisher, count = publishing(producer, PlayedImages(), waiting=2)
    for sequence in range(4):
        publisher.offer(analysed("a", sequence))
        eventually(lambda n=sequence: len(producer) >= min(n + 1, 2))
    publisher.stop(0.3)
    assert count("failed") == 2
    assert count("dropped") == 2


def test_a_frame_of_a_camera_that_went_to_another_worker_is_dropped(publishing):
    producer = PlayedProducer()
    publisher, count = publishing(
        producer, PlayedImages(), hold=lambda camera_id, _: "gone" if camera_id == "a" else "ours"
    )
    publisher.offer(analysed("a", 1))
    publisher.offer(analysed("b", 1))
    eventually(lambda: count("published") == 1)
    assert (count("dropped"), producer.sent[0][0]) == (1, "b")


def test_a_frame_waits_while_it_is_in_doubt_whose_the_camera_is(publishing):
    answers = iter(["doubtful"] * 3 + ["ours"] * 9)
    producer = PlayedProducer()
    publisher, count = publishing(producer, PlayedImages(), hold=lambda *_: next(answers))
    publisher.offer(analysed("a", 1))
    eventually(lambda: count("published") == 1)


def test_what_is_in_doubt_at_the_end_does_not_go_out(publishing):
    producer = PlayedProducer()
    publisher, count = publishing(producer, PlayedImages(), hold=lambda *_: "doubtful")
    publisher.offer(analysed("a", 1))
    publisher.stop(1)
    assert (count("dropped"), producer.sent) == (1, [])
