"""Plays the part of detection, tasks and scheduling for the wall: junctions, with their truth."""

import json
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import cv2
import redis
from confluent_kafka import Producer

from streaming import redis_keys
from streaming.detection.grouping import GroupingRules, group
from streaming.images import ImageStore
from streaming.kafka.clients import producer
from streaming.messages import Detection, DetectionResult, Frame, Group, RiskAssessment, encode
from streaming.redis_client import connect
from streaming.scheduling.stats import POOL, InstanceStats, KeyStats, encode_instance
from streaming.settings import Settings
from streaming.simulator.junction import Junction, JunctionSpec
from tests.builders import risk_assessment, spatial

SAID = {
    "high": ("车辆与行人冲突", "轿车正驶向人行横道上的行人，未见减速，距离不足两米。"),
    "medium": ("跟车过近", "两车间距过小，后车速度较快，存在追尾风险。"),
    "low": ("车流密集", "车辆密集但行驶有序，保持安全距离。"),
    "none": ("", "交通正常，未见异常。"),
}
CLASS_IDS = {"person": 0, "bicycle": 1, "car": 2, "motorcycle": 3, "bus": 5, "truck": 7}


@dataclass
class Camera:
    """One synthetic camera and what it has shown so far."""

    id: str
    name: str
    junction: Junction
    at_s: float = 20.0
    frames: int = 0


class WallFeed:
    """Publishes one frame of each camera every `interval_s`; verdicts follow with the next."""

    def __init__(self, settings: Settings, cameras: list[Camera], interval_s: float = 1.0) -> None:
        self._settings = settings
        self._cameras = cameras
        self._interval_s = interval_s
        self._redis: redis.Redis = connect(settings.redis)
        self._images = ImageStore(self._redis, 300)
        self._producer: Producer = producer(settings.kafka, client_id="wall-feed")
        self._waiting: list[RiskAssessment] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "WallFeed":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(20)
        self._producer.flush(10)
        self._redis.close()

    def _run(self) -> None:
        while not self._stop.wait(self._interval_s):
            now = datetime.now(UTC)
            self._send_verdicts(now)
            self._say_states(now)
            for camera in self._cameras:
                self.show(camera, now)
            self._producer.flush(10)

    def show(self, camera: Camera, now: datetime) -> DetectionResult:
        """Publish the camera's next frame; its verdicts wait for the next round."""
        camera.at_s += self._interval_s
        camera.frames += 1
        camera.junction.advance(camera.at_s)
        picture, truth = camera.junction.render(), camera.junction.truth()
        seen = tuple(
            Detection(o.object_id, o.class_name, CLASS_IDS[o.class_name], 0.86, o.xyxy)
            for o in truth.objects
        )
        height, width = picture.shape[:2]
        places = group(seen, (width, height), GroupingRules(distance_threshold_px=70))
        groups = tuple(
            Group(g.group_index, g.member_object_ids, g.xyxy, spatial(), g.surrogate_risk,
                  self._crop(picture, g)) for g in places
        )  # fmt: skip
        message_id = f"{camera.id}-{now:%H%M%S%f}"
        result = DetectionResult(
            message_id=message_id, camera_id=camera.id, captured_at=now, produced_at=now,
            frame=Frame(camera.frames, width, height, self._jpeg(picture)), detections=seen,
            groups=groups, inference_ms=4.0, model="builtin",
        )  # fmt: skip
        topics = self._settings.kafka.topics
        self._producer.produce(topics.detection_results.name, encode(result), camera.id)
        endangered = {i for d in truth.dangers for i in d.object_ids}
        self._waiting += [self._verdict(result, g, endangered) for g in groups]
        return result

    def _verdict(
        self, frame: DetectionResult, place: Group, endangered: set[int]
    ) -> RiskAssessment:
        in_danger = len(endangered.intersection(place.member_object_ids))
        level = "high" if in_danger > 1 else "none" if len(place.member_object_ids) < 4 else "low"
        if level == "low" and frame.frame.sequence % 9 == 0:
            level = "medium"
        kind, text = SAID[level]
        return risk_assessment(
            message_id=frame.message_id, camera_id=frame.camera_id, group_index=place.group_index,
            group_count=len(frame.groups), risk_level=level, confidence=0.62 + in_danger * 0.12,
            risk_types=(kind,) if kind else (), description=text, captured_at=frame.captured_at,
            trigger_object_ids=tuple(sorted(endangered.intersection(place.member_object_ids))),
        )  # fmt: skip

    def _send_verdicts(self, now: datetime) -> None:
        topic = self._settings.kafka.topics.risk_assessment_results.name
        waiting, self._waiting = self._waiting, []
        for verdict in waiting:
            self._producer.produce(topic, encode(verdict), verdict.camera_id)
        keys = tuple(
            KeyStats(
                f"key_{i}", "cooling" if i == 3 else "available", 140 + i, 138, 1, 12.0 * (i == 3)
            )
            for i in (1, 2, 3)
        )
        stats = InstanceStats("1", now.timestamp(), keys, waiting=2)
        self._redis.hset(redis_keys.key_stats(POOL), "1", encode_instance(stats))

    def _say_states(self, now: datetime) -> None:
        for camera in self._cameras:
            state = {
                "status": "online", "name": camera.name, "updatedAt": now.isoformat(),
                "since": (now - timedelta(minutes=3)).isoformat(), "workerId": "test",
                "source": f"synthetic://junction?seed={camera.junction.spec.seed}",
            }  # fmt: skip
            self._redis.hset(redis_keys.CAMERAS_STATUS, camera.id, json.dumps(state))

    def _crop(self, picture: object, place: Group) -> str:
        left, top, right, bottom = (max(0, round(v)) for v in place.xyxy)
        return self._jpeg(picture[top:bottom, left:right])  # type: ignore[index]

    def _jpeg(self, picture: object) -> str:
        ok, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 80])  # type: ignore[call-overload]
        assert ok
        return self._images.put(data.tobytes())


def junctions(count: int, prefix: str = "") -> list[Camera]:
    """Cameras at different crossroads, lively enough that something happens."""
    return [
        Camera(
            f"{prefix}{i}",
            f"路口 {i} / Crossing {i}",
            Junction(JunctionSpec(seed=i, vehicles=9, pedestrians=6, near_misses=12, night=i == 3)),
        )
        for i in range(1, count + 1)
    ]
