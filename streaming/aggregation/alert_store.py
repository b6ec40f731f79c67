"""Alerts in Redis: opened, grown, and closed when nothing has been seen of them for a while."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import msgspec
import redis

from streaming import redis_keys
from streaming.aggregation.alerts import LATE_S, QUIET_S, Alert, Step, closed
from streaming.redis_script import Script

ALERTS_KEPT = 100
ALERTS_STREAM_LENGTH = 10_000
_ALERT_IMAGE_TTL_S = 6 * 3600
"""Crops live for minutes; an alert's picture for a shift."""

ALERT_CAMERAS = "alert-cameras"
"""Set: ids of cameras that have had an alert."""

OPEN_ALERTS = "alerts-open"
"""Sorted set: `<camera id>\\t<alert id>`, by the time (s) at which the alert closes."""

_RECENT = 20
_CLOSED_AT_ONCE = 200


def acknowledgement_key(alert_id: str) -> str:
    """String with a TTL: when a person acknowledged an alert."""
    return f"alert-acknowledged:{alert_id}"


class AlertStore:
    """The alerts of all cameras, whoever writes them."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self._put = Script(Path(__file__).parent / "put_alert.lua")

    def recent(self, camera_ids: Iterable[str]) -> dict[str, tuple[Alert, ...]]:
        """The newest alerts of each camera, newest first.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        found = self._lists(camera_ids, _RECENT)
        return {i: tuple(_decoder.decode(raw) for raw in raws) for i, raws in found.items()}

    def announce(self, steps: Sequence[tuple[Alert, Step]], now: datetime) -> None:
        """Everything about these alerts but their lists, which `put` changes afterwards.

        A batch cut short before its lists is repeated in full, one cut short after them is
        known, so readers of the stream may see a step twice, never miss it.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        if not steps:
            return
        pipe = self._redis.pipeline(transaction=False)
        for alert, step in steps:
            pipe.zadd(OPEN_ALERTS, {_member(alert): now.timestamp() + QUIET_S + LATE_S})
            if step != "seen":
                _note(pipe, _encoder.encode(alert), step)
            pipe.sadd(ALERT_CAMERAS, alert.camera_id)
            if alert.image_ref:
                pipe.expire(redis_keys.image(alert.image_ref), _ALERT_IMAGE_TTL_S)
        pipe.execute()

    def put(self, pipe: Any, alert: Alert) -> None:
        """Put an alert's new form on the pipe, for its list and for whoever listens."""
        self._write(pipe, alert, _encoder.encode(alert), instead_of=b"")

    def close_due(self, now: datetime) -> list[Alert]:
        """Close what has not been seen for long enough, unless it is seen this very moment.

        Raises:
            redis.RedisError: Redis did not answer; what is not closed yet stays due.
        """
        members = cast(
            "list[bytes]",
            self._redis.zrangebyscore(
                OPEN_ALERTS, "-inf", now.timestamp(), start=0, num=_CLOSED_AT_ONCE
            ),
        )
        if not members:
            return []
        names = [tuple(member.decode().split("\t", 1)) for member in members]
        lists = self._lists({camera_id for camera_id, _ in names}, ALERTS_KEPT)
        known = {a.id: (a, raw) for raws in lists.values() for raw in raws for a in [_read(raw)]}
        due = [known[alert_id] for _, alert_id in names if alert_id in known]
        written = self._close(due)
        pipe = self._redis.pipeline(transaction=False)
        for alert in written:
            _note(pipe, _encoder.encode(alert), "closed")
        pipe.execute()
        ended = [_member(alert) for alert in written]
        ended += [f"{camera_id}\t{i}" for camera_id, i in names if i not in known]
        if ended:  # only now: what is not in the stream yet stays due
            self._redis.zrem(OPEN_ALERTS, *ended)
        return written

    def _close(self, due: list[tuple[Alert, bytes]]) -> list[Alert]:
        """Those that are closed now: one that grew since it was read is not.

        One that was closed before, by a worker that was killed then, is told of again.
        """
        pipe = self._redis.pipeline(transaction=False)
        after = [alert if alert.closed_at else closed(alert) for alert, _ in due]
        for alert, (_, before) in zip(after, due, strict=True):
            self._write(pipe, alert, _encoder.encode(alert), instead_of=before)
        done = pipe.execute() if due else []
        return [alert for alert, written in zip(after, done, strict=True) if written]

    def _write(self, pipe: Any, alert: Alert, raw: bytes, *, instead_of: bytes) -> None:
        key = redis_keys.camera_alerts(alert.camera_id)
        event = b'{"type":"alert","data":' + raw + b"}"
        channel = redis_keys.camera_channel(alert.camera_id)
        args = [alert.id, raw, ALERTS_KEPT, instead_of, channel, event]
        self._put.add(pipe, keys=[key], args=args)

    def _lists(self, camera_ids: Iterable[str], newest: int) -> Mapping[str, list[bytes]]:
        ids = sorted(set(camera_ids))
        pipe = self._redis.pipeline(transaction=False)
        for camera_id in ids:
            pipe.lrange(redis_keys.camera_alerts(camera_id), 0, newest - 1)
        return dict(zip(ids, pipe.execute(), strict=True)) if ids else {}


def _member(alert: Alert) -> str:
    return f"{alert.camera_id}\t{alert.id}"


def _note(pipe: Any, raw: bytes, step: Step) -> None:
    fields: Any = {"step": step, "alert": raw}
    pipe.xadd(redis_keys.ALERTS_STREAM, fields, maxlen=ALERTS_STREAM_LENGTH, approximate=True)


def _read(raw: bytes) -> Alert:
    return _decoder.decode(raw)


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Alert)
