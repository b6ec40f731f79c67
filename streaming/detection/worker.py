"""The detection daemon: cameras to the model in batches, results to Kafka, images to Redis.

cameras (a thread each) -> newest frame of each -> model (a thread a lane) -> publisher (a thread)

Which cameras: those of the settings and of camera-control, as far as the group gave them to us.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence

import cv2
import redis

from streaming.detection.analysed import ResultRules
from streaming.detection.camera import CameraHooks, CapturedFrame
from streaming.detection.camera_state import Backoff
from streaming.detection.control import ControlFollower
from streaming.detection.detector import Detector, load
from streaming.detection.duty import Duty
from streaming.detection.fair_queue import FairQueue
from streaming.detection.fleet import Fleet
from streaming.detection.grouping import GroupingRules
from streaming.detection.lanes import Lanes, Work
from streaming.detection.membership import Membership
from streaming.detection.pictures import PictureRules
from streaming.detection.publisher import Outlets, Publisher
from streaming.detection.roster import CameraSpec
from streaming.detection.sources import Sampling, Source, open_source
from streaming.detection.status_board import StatusBoard
from streaming.images import ImageStore
from streaming.kafka.admin import wait_for_broker
from streaming.kafka.clients import producer
from streaming.kafka.refusals import Right
from streaming.lifecycle import stop_on_signals
from streaming.metrics import Metrics
from streaming.readiness import CAMERAS, GROUP_SEAT, MODEL, Readiness
from streaming.redis_client import connect, wait_for_redis
from streaming.settings import DetectionSettings, Settings

log = logging.getLogger(__name__)

_LOOK_S = 0.25
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
    readiness = Readiness.of(settings, "detection", instance_id, GROUP_SEAT, MODEL, CAMERAS)
    metrics.serve(settings.serving.metrics.host, settings.serving.metrics.port, readiness)
    wait_for_broker(settings.kafka)
    wait_for_redis(settings.redis, _REDIS_WAIT_S)
    cv2.setNumThreads(1)  # the model's threads have the cores
    watch(
        settings,
        instance_id,
        load_model=lambda: load(settings.detection, settings.state_dir),
        metrics=metrics,
        stop=stop,
        readiness=readiness,
    )


def watch(
    settings: Settings,
    instance_id: str,
    *,
    load_model: Callable[[], Detector],
    metrics: Metrics,
    stop: threading.Event,
    readiness: Readiness | None = None,
) -> None:
    """The daemon itself, until `stop` is set; cameras are opened while the model is loaded."""
    began_s = time.monotonic()
    readiness = readiness or Readiness()
    client = connect(settings.redis)
    board = StatusBoard(client, instance_id, metrics)
    membership = Membership(settings.kafka, instance_id)
    publisher = _publisher(settings, instance_id, client, metrics, membership)
    inbox: FairQueue[CapturedFrame] = FairQueue(
        lambda frame: frame.camera_id, per_camera=1, hold=True
    )

    def dropped(frames: Sequence[CapturedFrame]) -> None:
        for frame in frames:
            metrics.frames.labels(camera_id=frame.camera_id, outcome="dropped").inc()

    def on_frame(frame: CapturedFrame) -> None:
        board.frame(frame.camera_id, frame.captured_at)
        dropped(inbox.offer(frame))

    ready = threading.Event()
    fleet = Fleet(
        CameraHooks(
            frame=on_frame, changed=board.changed, wanted=ready, open=_opening(settings.detection)
        ),
        Backoff(settings.detection.reconnect_min_s, settings.detection.reconnect_max_s),
    )
    duty = Duty(settings, fleet, term=membership.term, gone=board.forget)
    control = ControlFollower(settings.kafka, duty.commanded)
    lanes: Lanes | None = None
    membership.changed = duty.reassigned
    for part in (board, publisher, control, membership):
        part.start()
    try:
        detector = load_model()
        lanes = Lanes(
            Work(inbox, detector, publisher.offer, metrics, settings.detection.batch_size)
        )
        lanes.start()
        ready.set()
        readiness.reached(MODEL)
        after_s = round(time.monotonic() - began_s, 2)
        log.info("detection is ready", extra={"model": detector.name, "after_s": after_s})
        while not stop.wait(_LOOK_S):
            lanes.check()
            _tell(readiness, duty, fleet)
            if fatal := publisher.fatal or membership.fatal or control.fatal:
                raise fatal
    finally:
        duty.end()
        control.stop()
        fleet.stop(_CAMERAS_END_S)
        if lanes is not None:
            lanes.stop()
        dropped(inbox.take(len(inbox), timeout_s=0))
        publisher.stop(_DRAIN_S)
        membership.stop()
        board.stop()
        client.close()


def _tell(readiness: Readiness, duty: Duty, fleet: Fleet) -> None:
    """Its place in the group, then its cameras: each has given a frame or failed."""
    if not readiness.waits_for or not duty.known:
        return
    readiness.reached(GROUP_SEAT)
    if opening := fleet.opening():
        readiness.detail(CAMERAS, ", ".join(opening))
    else:
        readiness.reached(CAMERAS)


def _publisher(
    settings: Settings,
    instance_id: str,
    client: redis.Redis,
    metrics: Metrics,
    membership: Membership,
) -> Publisher:
    topic = settings.kafka.topics.detection_results.name
    outlets = Outlets(
        producer=producer(
            settings.kafka,
            client_id=f"detection-{instance_id}",
            rights=(Right("WRITE", "topic", topic),),
        ),
        topic=topic,
        images=ImageStore(client, settings.detection.image_ttl_s),
        metrics=metrics,
        worker_id=instance_id,
        hold=membership.hold,
    )
    return Publisher(outlets, _rules(settings.detection), waiting=settings.detection.queue_size)


def _opening(detection: DetectionSettings) -> Callable[[CameraSpec], Source]:
    def opened(spec: CameraSpec) -> Source:
        sampling = Sampling(spec.interval_s, detection.stall_intervals, detection.key_frames)
        return open_source(spec.id, spec.source, sampling)

    return opened


def _rules(detection: DetectionSettings) -> ResultRules:
    return ResultRules(
        grouping=GroupingRules(
            distance_threshold_px=detection.distance_threshold_px,
            min_group_size=detection.min_group_size,
            crop_margin_px=detection.crop_margin_px,
        ),
        pictures=PictureRules(max_px=detection.max_image_px, quality=detection.jpeg_quality),
    )
