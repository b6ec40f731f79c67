"""What the API and the wall read: each camera's newest result, its verdicts, its alerts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import msgspec
import redis

from streaming import redis_keys
from streaming.aggregation.alerts import Alert, Step
from streaming.aggregation.merge import SHOWN_RISKS
from streaming.aggregation.view import FrameView, GroupView
from streaming.messages.base import Part

LATEST_TTL_S = 300
ALERTS_KEPT = 100
ALERTS_STREAM_LENGTH = 10_000
VERDICTS_KEPT = 200
_VERDICTS_TTL_S = 86_400
_ALERT_IMAGE_TTL_S = 6 * 3600
"""Crops live for minutes; an alert's picture for a shift."""

ALERT_CAMERAS = "alert-cameras"
"""Set: ids of cameras that have had an alert."""

_HERE = Path(__file__).parent


class Verdict(Part, frozen=True, kw_only=True, rename="camel"):
    """One judged frame in a camera's history; latencies in ms."""

    message_id: str
    captured_at: datetime
    state: str
    max_risk_level: str
    group_count: int
    confidence: float
    description: str
    llm_ms: float | None
    end_to_end_ms: float | None


def parts_key(camera_id: str) -> str:
    """Hash: the two halves of `camera:{id}:latest` and their ranks; same slot on a cluster."""
    return f"{{{redis_keys.camera_latest(camera_id)}}}:parts"


def verdicts_key(camera_id: str) -> str:
    """Sorted set by capture time (ms): a camera's newest judged frames."""
    return f"camera:{camera_id}:verdicts"


def acknowledgement_key(alert_id: str) -> str:
    """String with a TTL: when a person acknowledged an alert."""
    return f"alert-acknowledged:{alert_id}"


def rank(view: FrameView) -> str:
    """Sorts results of a camera: newer frames later, and of one frame the one that knows more."""
    known = 2 * (sum(g.task_id is not None for g in view.groups) + (view.frame is not None))
    known += view.state == "partial"
    return f"{round(view.captured_at.timestamp() * 1e6):020d}:{view.message_id}:{known:06d}"


@dataclass(frozen=True, slots=True)
class Write:
    """One result on its way into Redis, with the alerts to open or grow."""

    view: FrameView
    alerts: tuple[tuple[Alert, Step], ...] = ()


class LiveStore:
    """Writes results; an older frame never overwrites a newer one, whoever writes it."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self._put_result = client.register_script((_HERE / "put_result.lua").read_text())
        self._put_alert = client.register_script((_HERE / "put_alert.lua").read_text())

    def recent_alerts(self, camera_ids: Iterable[str]) -> dict[str, tuple[Alert, ...]]:
        """The newest alerts of each camera, newest first.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        ids = sorted(set(camera_ids))
        pipe = self._redis.pipeline(transaction=False)
        for camera_id in ids:
            pipe.lrange(redis_keys.camera_alerts(camera_id), 0, 19)
        found = pipe.execute() if ids else []
        return {
            camera_id: tuple(_alert_decoder.decode(raw) for raw in raws)
            for camera_id, raws in zip(ids, found, strict=True)
        }

    def camera_names(self) -> dict[str, str]:
        """Names of the cameras that detection knows.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        found = cast("dict[bytes, bytes]", self._redis.hgetall(redis_keys.CAMERAS_STATUS))
        states: dict[str, dict[str, Any]] = {
            camera_id.decode(): msgspec.json.decode(raw) for camera_id, raw in found.items()
        }
        return {i: str(s["name"]) for i, s in states.items() if s.get("name")}

    def write(self, writes: Sequence[Write]) -> None:
        """All results of a batch in one pipeline; subscribers hear of each that is news.

        Raises:
            redis.RedisError: Redis did not answer; writing the same again is safe.
        """
        if not writes:
            return
        pipe = self._redis.pipeline(transaction=False)
        for one in writes:
            self._add_result(pipe, one.view)
            for alert, step in one.alerts:
                self._add_alert(pipe, alert, step)
        pipe.execute()

    def _add_result(self, pipe: Any, view: FrameView) -> None:
        camera_id = view.camera_id
        raw = _encoder.encode(view)
        verdict = _encoder.encode(msgspec.structs.replace(view, detections=()))
        self._put_result(
            keys=[redis_keys.camera_latest(camera_id), parts_key(camera_id)],
            args=[
                LATEST_TTL_S,
                rank(view),
                raw if view.frame else b"",
                verdict if view.judged else b"",
                _encoder.encode(camera_id),
                redis_keys.camera_channel(camera_id),
                b'{"type":"result","data":' + raw + b"}",
            ],
            client=pipe,
        )
        if view.judged:
            _add_verdict(pipe, view)

    def _add_alert(self, pipe: Any, alert: Alert, step: Step) -> None:
        raw = _encoder.encode(alert)
        # The list comes last: a batch cut short before it is repeated in full, one cut
        # short after it is known, so readers of the stream may see a step twice, never miss it.
        if step != "seen":
            fields: Any = {"step": step, "alert": raw}
            stream, cap = redis_keys.ALERTS_STREAM, ALERTS_STREAM_LENGTH
            pipe.xadd(stream, fields, maxlen=cap, approximate=True)
        pipe.sadd(ALERT_CAMERAS, alert.camera_id)
        if alert.image_ref:
            pipe.expire(redis_keys.image(alert.image_ref), _ALERT_IMAGE_TTL_S)
        self._put_alert(
            keys=[redis_keys.camera_alerts(alert.camera_id)],
            args=[alert.id, raw, ALERTS_KEPT],
            client=pipe,
        )
        channel = redis_keys.camera_channel(alert.camera_id)
        pipe.publish(channel, b'{"type":"alert","data":' + raw + b"}")


def _add_verdict(pipe: Any, view: FrameView) -> None:
    worst = max(view.groups, key=_severity, default=None)
    verdict = Verdict(
        message_id=view.message_id,
        captured_at=view.captured_at,
        state=view.state,
        max_risk_level=view.max_risk_level,
        group_count=view.group_count,
        confidence=worst.confidence if worst else 0.0,
        description=worst.description if worst else "",
        llm_ms=view.llm_ms,
        end_to_end_ms=view.end_to_end_ms,
    )
    key, at_ms = verdicts_key(view.camera_id), round(view.captured_at.timestamp() * 1000)
    # One frame a millisecond and camera: a corrected verdict replaces the one before.
    pipe.zremrangebyscore(key, at_ms, at_ms)
    pipe.zadd(key, {_encoder.encode(verdict): at_ms})
    pipe.zremrangebyrank(key, 0, -VERDICTS_KEPT - 1)
    pipe.expire(key, _VERDICTS_TTL_S)


def _severity(group: GroupView) -> tuple[int, float]:
    return SHOWN_RISKS.index(group.risk_level), group.confidence


_encoder = msgspec.json.Encoder()
_alert_decoder = msgspec.json.Decoder(Alert)
