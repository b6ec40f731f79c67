"""What came of each frame, kept in Redis until its last result may have come.

A frame's key only ever gains fields, named after what they hold, so applying a message
again or in another order leaves the same fields: a restart, a redelivery or a second
aggregation worker change nothing.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Literal, Self, cast

import redis

from streaming.aggregation import decoded
from streaming.aggregation.merge import by_task
from streaming.messages import DetectionResult, RiskAssessment, SkippedGroups
from streaming.redis_script import Script

Fields = Mapping[bytes, bytes]

OPEN_FRAMES = "frames:open"
"""Sorted set: messageIds that wait for results, by the time (s) at which the wait ends."""

_DETECTION = b"d"
_NOTICE = b"s"
_ASSESSMENT = b"a:"
_FOLLOWER = b"f:"
_KEEP_S = 240
"""Longer than a task can take (deadline 30 s, two calls of 35 s) and `tasks.gate.repeat_after_s`
together; 15 kB a frame."""

_KEEP_FRAME = Path(__file__).parent / "keep_frame.lua"

Kind = Literal["detection", "notice", "assessment"]


def frame_key(message_id: str) -> str:
    """Hash: the frame's DetectionResult under `d`, its SkippedGroups under `s`, each
    RiskAssessment under `a:<its hash>`, and under `f:<messageId>` the frames that carry one."""
    return f"frame:{message_id}"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message of a frame, as the bytes that came; `like` are the taskIds a notice names."""

    message_id: str
    kind: Kind
    raw: bytes
    like: tuple[str, ...] = ()

    @classmethod
    def of(cls, message: DetectionResult | SkippedGroups | RiskAssessment, raw: bytes) -> Self:
        """A decoded message with its bytes."""
        match message:
            case DetectionResult():
                return cls(message.message_id, "detection", raw)
            case SkippedGroups():
                like = tuple(s.like for s in message.skipped if s.like)
                return cls(message.message_id, "notice", raw, like)
        return cls(message.message_id, "assessment", raw)

    @property
    def field(self) -> bytes:
        """Where it is kept: the same bytes always in the same place."""
        if self.kind == "detection":
            return _DETECTION
        if self.kind == "notice":
            return _NOTICE
        return _ASSESSMENT + hashlib.blake2b(self.raw, digest_size=8).hexdigest().encode()


@dataclass(frozen=True, slots=True)
class FrameParts:
    """All that is known of a frame; `earlier` by taskId, for the groups its notice leaves out."""

    detection: DetectionResult | None
    assessments: tuple[RiskAssessment, ...]
    notice: SkippedGroups | None = None
    earlier: Mapping[str, RiskAssessment] = field(default_factory=dict)


class FrameStore:
    """Open frames of all aggregation workers."""

    def __init__(self, client: redis.Redis, merge_timeout_s: float) -> None:
        self._redis = client
        self._keep_frame = Script(_KEEP_FRAME)
        self._merge_timeout_s = merge_timeout_s

    def add(self, arrivals: Iterable[Arrival], now: datetime) -> dict[str, FrameParts]:
        """Keep new messages, and return all that is known of each frame they touch.

        A verdict touches the frames that carry it, too.

        Raises:
            redis.RedisError: Redis did not answer; applying the same again is safe.
        """
        fields: dict[str, dict[bytes, bytes]] = {}
        touched: set[str] = set()
        judged: set[str] = set()
        for arrival in arrivals:
            fields.setdefault(arrival.message_id, {})[arrival.field] = arrival.raw
            touched.add(arrival.message_id)
            if arrival.kind == "assessment":
                judged.add(arrival.message_id)
            for task in arrival.like:
                follower = _FOLLOWER + arrival.message_id.encode()
                fields.setdefault(_frame_of(task), {})[follower] = b""
        if not fields:
            return {}
        known = self._keep(fields, dict.fromkeys(touched, self._wait_ends_s(now)))
        found = {message_id: known[message_id] for message_id in touched}
        found |= self._read(_followers([found[m] for m in judged]) - found.keys())
        return self._parts(found)

    def due(self, now: datetime, limit: int = 200) -> dict[str, FrameParts]:
        """Frames whose wait has ended, the longest waiting first.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        ids = cast(
            "list[bytes]",
            self._redis.zrangebyscore(OPEN_FRAMES, "-inf", now.timestamp(), start=0, num=limit),
        )
        return self._parts(self._read([message_id.decode() for message_id in ids]))

    def close(self, message_ids: Iterable[str]) -> None:
        """Stop waiting for these frames; what is known of them stays for late results.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        ids = list(message_ids)
        if ids:
            self._redis.zrem(OPEN_FRAMES, *ids)

    def _wait_ends_s(self, now: datetime) -> float:
        return now.timestamp() + self._merge_timeout_s

    def _keep(self, fields: Mapping[str, Fields], waits: Mapping[str, float]) -> dict[str, Fields]:
        """Add the fields, open the frames that wait; all that each frame has then."""
        pipe = self._redis.pipeline(transaction=False)
        for message_id, new in fields.items():
            self._keep_frame.add(
                pipe,
                keys=[frame_key(message_id)],
                args=[_KEEP_S, *chain.from_iterable(new.items())],
            )
        pipe.zadd(OPEN_FRAMES, waits, nx=True)
        answers = cast("list[list[bytes]]", pipe.execute()[:-1])
        return {
            message_id: dict(zip(flat[::2], flat[1::2], strict=True))
            for message_id, flat in zip(fields, answers, strict=True)
        }

    def _read(self, message_ids: Iterable[str]) -> dict[str, Fields]:
        ids = list(message_ids)
        pipe = self._redis.pipeline(transaction=False)
        for message_id in ids:
            pipe.hgetall(frame_key(message_id))
        return dict(zip(ids, pipe.execute(), strict=True)) if ids else {}

    def _parts(self, frames: Mapping[str, Fields]) -> dict[str, FrameParts]:
        notices = {
            message_id: decoded.notice(fields[_NOTICE])
            for message_id, fields in frames.items()
            if _NOTICE in fields
        }
        like = {s.like for notice in notices.values() for s in notice.skipped if s.like}
        elsewhere = {_frame_of(task) for task in like}
        known = {**self._read(elsewhere - frames.keys()), **frames}
        earlier = by_task(a for message_id in elsewhere for a in _assessments(known[message_id]))
        parts = {}
        for message_id, fields in frames.items():
            notice, raw = notices.get(message_id), fields.get(_DETECTION)
            wanted = {s.like for s in notice.skipped} if notice else set()
            parts[message_id] = FrameParts(
                detection=None if raw is None else decoded.detection(raw),
                assessments=_assessments(fields),
                notice=notice,
                earlier={task: earlier[task] for task in wanted & earlier.keys() if task},
            )
        return parts


def _frame_of(task_id: str) -> str:
    return task_id.rpartition(":")[0]


def _followers(frames: Iterable[Fields]) -> set[str]:
    names = (name for fields in frames for name in fields if name.startswith(_FOLLOWER))
    return {name.removeprefix(_FOLLOWER).decode() for name in names}


def _assessments(fields: Fields) -> tuple[RiskAssessment, ...]:
    found = (value for name, value in fields.items() if name.startswith(_ASSESSMENT))
    return tuple(decoded.assessment(value) for value in found)
