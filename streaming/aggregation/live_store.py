"""What the API and the wall read: each camera's newest result, its verdicts, its alerts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import msgspec
import redis

from streaming import redis_keys
from streaming.aggregation.alert_store import AlertStore
from streaming.aggregation.alerts import Alert, Step
from streaming.aggregation.merge import SHOWN_RISKS
from streaming.aggregation.view import FrameView, GroupView
from streaming.messages.base import Part
from streaming.redis_script import Script

LATEST_TTL_S = 300
VERDICTS_KEPT = 200
_VERDICTS_TTL_S = 86_400
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
        self._put_result = Script(_HERE / "put_result.lua")
        self.alerts = AlertStore(client)

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

    def write(self, writes: Sequence[Write], now: datetime) -> None:
        """All results of a batch in one pipeline; subscribers hear of each camera's newest.

        Steps of alerts go before, in one of their own: the nodes of a Cluster keep no order
        among them, and an alert in its list whose step is in no stream would be missed.

        Raises:
            redis.RedisError: Redis did not answer; writing the same again is safe.
        """
        if not writes:
            return
        steps = [(alert, step) for one in writes for alert, step in one.alerts]
        self.alerts.announce(steps, now)
        pipe = self._redis.pipeline(transaction=False)
        for view in _newest(one.view for one in writes):
            self._add_result(pipe, view)
        for camera_id, views in _judged(one.view for one in writes).items():
            _add_verdicts(pipe, camera_id, views)
        for alert, _ in steps:
            self.alerts.put(pipe, alert)
        pipe.execute()

    def _add_result(self, pipe: Any, view: FrameView) -> None:
        camera_id = view.camera_id
        raw = _encoder.encode(view)
        verdict = _encoder.encode(msgspec.structs.replace(view, detections=()))
        self._put_result.add(
            pipe,
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
        )


def _newest(views: Iterable[FrameView]) -> list[FrameView]:
    """Of each camera the newest frame and the newest verdict, the older of the two first.

    While a backlog is worked off, the ones between would be overwritten in the same moment.
    """
    found: dict[tuple[str, bool], tuple[str, FrameView]] = {}
    for view in views:
        ranked = rank(view), view
        for is_verdict in (False, True):
            if view.judged if is_verdict else view.frame is not None:
                slot = (view.camera_id, is_verdict)
                found[slot] = max(found.get(slot, ranked), ranked, key=_rank_first)
    return [view for _, view in sorted(dict(found.values()).items(), key=_rank_first)]


def _rank_first(ranked: tuple[str, FrameView]) -> str:
    return ranked[0]


def _judged(views: Iterable[FrameView]) -> dict[str, list[FrameView]]:
    found: dict[str, list[FrameView]] = {}
    for view in views:
        if view.judged:
            found.setdefault(view.camera_id, []).append(view)
    return found


def _add_verdicts(pipe: Any, camera_id: str, views: Sequence[FrameView]) -> None:
    key = verdicts_key(camera_id)
    # One frame a millisecond and camera: a corrected verdict replaces the one before.
    by_ms = {round(view.captured_at.timestamp() * 1000): view for view in views}
    for at_ms in by_ms:
        pipe.zremrangebyscore(key, at_ms, at_ms)
    pipe.zadd(key, {_encoder.encode(_verdict(view)): at_ms for at_ms, view in by_ms.items()})
    pipe.zremrangebyrank(key, 0, -VERDICTS_KEPT - 1)
    pipe.expire(key, _VERDICTS_TTL_S)


def _verdict(view: FrameView) -> Verdict:
    worst = max(view.groups, key=_severity, default=None)
    return Verdict(
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


def _severity(group: GroupView) -> tuple[int, float]:
    return SHOWN_RISKS.index(group.risk_level), group.confidence


_encoder = msgspec.json.Encoder()
