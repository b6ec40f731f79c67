"""What Redis is told about cameras: at once when one changes, and every two seconds."""

import contextlib
import json
import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import redis
from redis.exceptions import RedisError

from streaming import redis_keys
from streaming.detection.camera_state import CameraState
from streaming.detection.roster import CameraSpec
from streaming.detection.sources import masked
from streaming.logs import mask_url
from streaming.metrics import Metrics

log = logging.getLogger(__name__)

_EVERY_S = 2.0
_FORGET = """
for i = 2, #ARGV do
  local told = redis.call('HGET', KEYS[1], ARGV[i])
  if told and cjson.decode(told).workerId == ARGV[1] then redis.call('HDEL', KEYS[1], ARGV[i]) end
end
"""
"""An entry that another worker has written since is not ours to remove."""


@dataclass(slots=True)
class _Entry:
    spec: CameraSpec
    state: CameraState
    last_frame_at: datetime | None = None


class StatusBoard:
    """A hash entry a camera. `updatedAt` older than 10 s means that its worker is gone."""

    def __init__(self, client: redis.Redis, worker_id: str, metrics: Metrics) -> None:
        self._redis = client
        self._worker_id = worker_id
        self._metrics = metrics
        self._entries: dict[str, _Entry] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="status", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Take this worker's cameras off the board and end."""
        self._stop.set()
        self._wake.set()
        self._thread.join(_EVERY_S)
        self.forget(list(self._entries))

    def changed(self, spec: CameraSpec, state: CameraState) -> None:
        """A camera's state is new; never waits for Redis."""
        with self._lock:
            entry = self._entries.get(spec.id)
            last = entry.last_frame_at if entry and entry.spec == spec else None
            self._entries[spec.id] = _Entry(spec, state, last)
        gives = state.status in ("online", "degraded")
        self._metrics.camera_online.labels(camera_id=spec.id).set(gives)
        self._metrics.camera_score.labels(camera_id=spec.id).set(state.score)
        if entry is None or entry.state.status != state.status:
            self._wake.set()  # a score can wait

    def frame(self, camera_id: str, captured_at: datetime) -> None:
        """A frame came."""
        with self._lock:
            if entry := self._entries.get(camera_id):
                entry.last_frame_at = captured_at

    def forget(self, camera_ids: Iterable[str]) -> None:
        """These cameras run here no more."""
        ids = list(camera_ids)
        with self._lock:
            for camera_id in ids:
                self._entries.pop(camera_id, None)
        if not ids:
            return
        for camera_id in ids:
            for gauge in (self._metrics.camera_online, self._metrics.camera_score):
                with contextlib.suppress(KeyError):
                    gauge.remove(camera_id)
        try:
            self._redis.eval(_FORGET, 1, redis_keys.CAMERAS_STATUS, self._worker_id, *ids)
        except RedisError as exc:
            log.warning("camera status is not removed: %s", mask_url(str(exc)))

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(_EVERY_S)
            self._wake.clear()
            try:
                self._write()
            except RedisError as exc:
                log.warning("camera status is not kept: %s", mask_url(str(exc)))

    def _write(self) -> None:
        now = datetime.now(UTC).isoformat()
        with self._lock:
            items = [x for i, entry in self._entries.items() for x in (i, self._json(entry, now))]
        if items and not self._stop.is_set():
            self._redis.hset(redis_keys.CAMERAS_STATUS, items=items)

    def _json(self, entry: _Entry, now: str) -> str:
        last = entry.last_frame_at
        return json.dumps(
            {
                "cameraId": entry.spec.id,
                "name": entry.spec.name,
                "source": masked(entry.spec.source),
                "status": entry.state.status,
                "since": entry.state.since.isoformat(),
                "error": entry.state.error,
                "score": round(entry.state.score, 2),
                "intervalS": entry.spec.interval_s,
                "lastFrameAt": last.isoformat() if last else None,
                "workerId": self._worker_id,
                "updatedAt": now,
            },
            ensure_ascii=False,
        )
