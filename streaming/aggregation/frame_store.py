"""What came of each frame, kept in Redis until its last result may have come.

A frame's key only ever gains fields, named after what they hold, so applying a message
again or in another order leaves the same fields: a restart, a redelivery or a second
aggregation worker change nothing.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import redis

from streaming.messages import DetectionResult, RiskAssessment, decode

OPEN_FRAMES = "frames:open"
"""Sorted set: messageIds that wait for results, by the time (s) at which the wait ends."""

_DETECTION = b"d"
_KEEP_S = 180
"""Longer than a task can take (deadline 30 s, two calls of 35 s); 15 kB a frame."""


def frame_key(message_id: str) -> str:
    """Hash: the frame's DetectionResult under `d`, each RiskAssessment under `a:<its hash>`."""
    return f"frame:{message_id}"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message of a frame, as the bytes that came."""

    message_id: str
    is_detection: bool
    raw: bytes

    @property
    def field(self) -> bytes:
        """Where it is kept: the same bytes always in the same place."""
        if self.is_detection:
            return _DETECTION
        return b"a:" + hashlib.blake2b(self.raw, digest_size=8).hexdigest().encode()


@dataclass(frozen=True, slots=True)
class FrameParts:
    """All that is known of a frame."""

    detection: DetectionResult | None
    assessments: tuple[RiskAssessment, ...]


class FrameStore:
    """Open frames of all aggregation workers."""

    def __init__(self, client: redis.Redis, merge_timeout_s: float) -> None:
        self._redis = client
        self._merge_timeout_s = merge_timeout_s

    def add(self, arrivals: Iterable[Arrival], now: datetime) -> dict[str, FrameParts]:
        """Keep new messages, and return all that is known of each frame they touch.

        Raises:
            redis.RedisError: Redis did not answer; applying the same again is safe.
        """
        fields: dict[str, dict[bytes, bytes]] = {}
        for arrival in arrivals:
            fields.setdefault(arrival.message_id, {})[arrival.field] = arrival.raw
        if not fields:
            return {}
        pipe = self._redis.pipeline(transaction=False)
        ends = now.timestamp() + self._merge_timeout_s
        for message_id, new in fields.items():
            key = frame_key(message_id)
            pipe.hset(key, mapping=cast("Mapping[Any, Any]", new))
            pipe.expire(key, _KEEP_S)
        pipe.zadd(OPEN_FRAMES, dict.fromkeys(fields, ends), nx=True)
        for message_id in fields:
            pipe.hgetall(frame_key(message_id))
        found = pipe.execute()[-len(fields) :]
        return dict(zip(fields, map(_parts, found), strict=True))

    def due(self, now: datetime, limit: int = 200) -> dict[str, FrameParts]:
        """Frames whose wait has ended, the longest waiting first.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        ids = cast(
            "list[bytes]",
            self._redis.zrangebyscore(OPEN_FRAMES, "-inf", now.timestamp(), start=0, num=limit),
        )
        pipe = self._redis.pipeline(transaction=False)
        for message_id in ids:
            pipe.hgetall(frame_key(message_id.decode()))
        found = map(_parts, pipe.execute()) if ids else ()
        return {m.decode(): parts for m, parts in zip(ids, found, strict=True)}

    def close(self, message_ids: Iterable[str]) -> None:
        """Stop waiting for these frames; what is known of them stays for late results.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        ids = list(message_ids)
        if ids:
            self._redis.zrem(OPEN_FRAMES, *ids)


def _parts(fields: Mapping[bytes, bytes]) -> FrameParts:
    raw = fields.get(_DETECTION)
    return FrameParts(
        detection=None if raw is None else decode(raw, DetectionResult),
        assessments=tuple(
            decode(value, RiskAssessment) for name, value in fields.items() if name != _DETECTION
        ),
    )
