"""The detection daemon: cameras to the model in batches, results to Kafka, images to Redis.

cameras (a thread each) -> newest frame of each -> model (this thread) -> publisher (a thread)
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence

import cv2

from streaming.detection.analysed import AnalysedFrame, ResultRules
from streaming.detection.camera import CameraHooks, CapturedFrame
from streaming.detection.camera_state import Backoff
from streaming.detection.control import ControlFollower
from streaming.detection.detector import Detector, load
from streaming.detection.fair_queue import FairQueue
from streaming.detection.fleet import Fleet
from streaming.detection.grouping import GroupingRules
from streaming.detection.pictures import PictureRules
from streaming.detection.publisher import Outlets, Publisher
from streaming.detection.roster import roster
from streaming.detection.status_board import StatusBoard
from streaming.errors import KafkaUnreachable
from streaming.images import ImageStore
from streaming.kafka.admin import wait_for_broker
from streaming.kafka.clients import producer
from streaming.lifecycle import stop_on_signals
from streaming.messages import CameraCommand
from streaming.metrics import Metrics
from streaming.redis_client import connect, wait_for_redis
from streaming.settings import DetectionSettings, Settings

log = logging.getLogger(__name__)

_LINGER_S = 0.004
"""How long the first frame of a batch waits for others that are due with it."""

_TAKE_S = 0.25
_CAMERAS_END_S = 2.0
_DRAIN_S = 8.0
_REDIS_WAIT_S = 30.0


def run(settings: Settings, instance_id: str) -> None:
    """Watch all cameras of the settings and of camera-control until SIGTERM or SIGINT.

    Raises:
        KafkaUnreachable, RedisUnreachable: not there within half a minute.
        ModelError: the model does not load or fails; the message names detection.model.
    """
    stop = stop_on_signals()
    metrics = Metrics()
    metrics.serve(settings.serving.host, settings.serving.metrics.port)
    wait_for_broker(settings.kafka)
    wait_for_redis(settings.redis, _REDIS_WAIT_S)
    cv2.setNumThreads(1)  # the model's threads have the cores
    watch(
        settings,
        instance_id,
        load_model=lambda: load(settings.detection, settings.state_dir),
        metrics=metrics,
        stop=stop,
    )


def watch(
    settings: Settings,
    instance_id: str,
    *,
    load_model: Callable[[], Detector],
    metrics: Metrics,
    stop: threading.Event,
) -> None:
    """The daemon itself, until `stop` is set; cameras are opened while the model is loaded."""
    began_s = time.monotonic()
    client = connect(settings.redis)
    board = StatusBoard(client, instance_id, metrics)
    publisher = Publisher(
        Outlets(
            producer=producer(settings.kafka, client_id=f"detection-{instance_id}"),
            topic=settings.kafka.topics.detection_results.name,
            images=ImageStore(client, settings.detection.image_ttl_s),
            metrics=metrics,
        ),
        _rules(settings.detection),
        waiting=settings.detection.queue_size,
    )
    inbox: FairQueue[CapturedFrame] = FairQueue(lambda frame: frame.camera_id, per_camera=1)

    def dropped(frames: Sequence[CapturedFrame]) -> None:
        for frame in frames:
            metrics.frames.labels(camera_id=frame.camera_id, outcome="dropped").inc()

    def on_frame(frame: CapturedFrame) -> None:
        board.frame(frame.camera_id, frame.captured_at)
        dropped(inbox.offer(frame))

    ready = threading.Event()
    fleet = Fleet(
        CameraHooks(frame=on_frame, changed=board.changed, wanted=ready),
        Backoff(settings.detection.reconnect_min_s, settings.detection.reconnect_max_s),
    )

    def on_commands(commands: Mapping[str, CameraCommand | None]) -> None:
        wanted = roster(settings.cameras, commands, settings.detection.interval_s)
        board.forget(fleet.follow(wanted))

    control = ControlFollower(settings.kafka, on_commands)
    for part in (board, publisher, control):
        part.start()
    try:
        detector = load_model()
        ready.set()
        after_s = round(time.monotonic() - began_s, 2)
        log.info("detection is ready", extra={"model": detector.name, "after_s": after_s})
        while not stop.is_set():
            analyse(inbox, detector, publisher, metrics, most=settings.detection.batch_size)
            if publisher.fatal is not None:
                raise KafkaUnreachable(f"the producer gave up: {publisher.fatal.str()}")
    finally:
        control.stop()
        fleet.stop(_CAMERAS_END_S)
        dropped(inbox.take(len(inbox), timeout_s=0))
        publisher.stop(_DRAIN_S)
        board.stop()
        client.close()


def analyse(
    inbox: FairQueue[CapturedFrame],
    detector: Detector,
    publisher: Publisher,
    metrics: Metrics,
    *,
    most: int,
) -> None:
    """One batch, if any frame comes, through the model and on."""
    frames = inbox.take(most, timeout_s=_TAKE_S, linger_s=_LINGER_S)
    if not frames:
        return
    began_s = time.perf_counter()
    found = detector.detect([frame.image for frame in frames])
    each_s = (time.perf_counter() - began_s) / len(frames)
    for frame, detections in zip(frames, found, strict=True):
        metrics.inference_s.observe(each_s)
        _count(metrics, frame.camera_id, [d.class_name for d in detections])
        publisher.offer(
            AnalysedFrame(frame, detections, inference_ms=each_s * 1000, model=detector.name)
        )


def _count(metrics: Metrics, camera_id: str, class_names: Sequence[str]) -> None:
    for name in set(class_names):
        counted = metrics.detections.labels(camera_id=camera_id, class_name=name)
        counted.inc(class_names.count(name))


def _rules(detection: DetectionSettings) -> ResultRules:
    return ResultRules(
        grouping=GroupingRules(
            distance_threshold_px=detection.distance_threshold_px,
            min_group_size=detection.min_group_size,
            crop_margin_px=detection.crop_margin_px,
        ),
        pictures=PictureRules(max_px=detection.max_image_px, quality=detection.jpeg_quality),
    )
