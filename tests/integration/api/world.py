"""The API's surroundings: what it shows, put into Redis as aggregation does; what it announces."""

import json
import os
from datetime import UTC, datetime

import redis

from streaming import redis_keys
from streaming.aggregation.aggregator import Aggregator
from streaming.aggregation.frame_store import Arrival, FrameStore
from streaming.aggregation.live_store import LiveStore
from streaming.errors import KafkaUnreachable
from streaming.images import ImageStore
from streaming.kafka.cameras import announced
from streaming.messages import CameraCommand, Frame, encode
from streaming.settings import Settings
from tests.builders import detection_result, risk_assessment

# Redis carries pub/sub across databases: tests that run beside this one must not be heard.
CAMERA = f"api-{os.getpid()}"
JPEG = b"\xff\xd8\xff\xe0 a picture"


class World:
    """Puts results into Redis as the worker does."""

    def __init__(self, store: redis.Redis) -> None:
        self.redis = store
        self.ref = ImageStore(store, 300).put(JPEG)
        self._aggregator = Aggregator(FrameStore(store, 10), LiveStore(store), camera_names={})
        store.hset(
            redis_keys.CAMERAS_STATUS,
            CAMERA,
            json.dumps({"status": "online", "name": "Harbour", "source": "rtsp://***@x/1"}),
        )

    def show(self, message_id: str = "m1", level: str | None = "high") -> None:
        now = datetime.now(UTC)
        frame = detection_result(
            camera_id=CAMERA, message_id=message_id, captured_at=now,
            frame=Frame(1, 640, 360, self.ref),
        )  # fmt: skip
        messages = [frame]
        if level:
            verdict = risk_assessment(
                camera_id=CAMERA, message_id=message_id, captured_at=now, risk_level=level
            )
            messages.append(verdict)
        self._aggregator.apply([Arrival.of(m, encode(m)) for m in messages], now)


def commands(settings: Settings) -> dict[str, CameraCommand | None]:
    """What is on camera-control; nothing while a broker that just started does not answer."""
    try:
        return announced(settings.kafka)
    except KafkaUnreachable:
        return {}
