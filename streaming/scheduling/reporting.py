"""Every second: how the keys stand, to Redis and Prometheus, and what others found out."""

import asyncio
import gc
import logging
import time
from collections.abc import Callable, Mapping
from typing import cast, get_args

import msgspec
import redis.asyncio
from redis.exceptions import RedisError

from streaming import redis_keys
from streaming.metrics import Metrics
from streaming.scheduling.key_pool import KeyPool
from streaming.scheduling.limits import Standing
from streaming.scheduling.recent import Counts, Recent
from streaming.scheduling.shared_limits import SharedLimits
from streaming.scheduling.stats import (
    POOL,
    InstanceStats,
    KeyStats,
    KeyStatus,
    encode_instance,
    read_instances,
)
from streaming.scheduling.turnstile import Turnstile

log = logging.getLogger(__name__)

_EVERY_S = 1.0
_COLLECT_IDLE_S = 30.0
_COLLECT_BUSY_S = 600.0
_STATUSES: tuple[KeyStatus, ...] = get_args(KeyStatus)


class Reporter:
    """Writes one instance's field of `keys:{pool}:stats`, and reads the others'."""

    def __init__(
        self,
        pool: KeyPool,
        turnstile: Turnstile,
        limits: SharedLimits,
        client: redis.asyncio.Redis,
        metrics: Metrics,
        *,
        model: str,
        instance_id: str,
    ) -> None:
        self._pool = pool
        self._turnstile = turnstile
        self._limits = limits
        self._redis = client
        self._metrics = metrics
        self._model = model
        self._instance_id = instance_id
        self._recent = Recent()

    async def resume(self) -> None:
        """Go on where an earlier run of this instance stopped: counts, cooldowns, dead keys."""
        try:
            raw = await self._redis.hget(redis_keys.key_stats(POOL), self._instance_id)
        except RedisError as exc:
            log.warning("calls are counted anew: %s", exc)
            return
        if raw is not None:
            for earlier in read_instances({b"": cast("bytes", raw)}, 0.0):
                ago_s = max(0.0, time.time() - earlier.written_at_s)
                self._pool.resume(earlier.keys, time.monotonic(), ago_s)

    async def run(self, on_round: Callable[[], None]) -> None:
        """Until cancelled; `on_round` is called every time.

        Python's collector is off in this process, for its pauses make calls late (a tenth of a
        second and more under full load). Few cycles come up (0.3 objects a call), so it is enough
        to look for them in a quiet moment, or after ten minutes without one.
        """
        collected_at = time.monotonic()
        while True:
            await self.write()
            await self._adopt()
            on_round()
            idle = not (self._turnstile.in_flight or self._turnstile.waiting)
            since_s = time.monotonic() - collected_at
            if since_s > (_COLLECT_IDLE_S if idle else _COLLECT_BUSY_S):
                gc.collect()
                collected_at = time.monotonic()
            await asyncio.sleep(_EVERY_S)

    async def write(self) -> None:
        """The keys as they stand now."""
        now = time.monotonic()
        standing = await self._limits.look(self._model, now)
        keys = tuple(_with_standing(k, standing) for k in self._pool.stats(now))
        self._show(keys)
        field = InstanceStats(
            self._instance_id,
            time.time(),
            keys,
            waiting=self._turnstile.waiting,
            shared=self._limits.shared,
            recent=self._recent.of(counted(self._metrics, keys), now),
        )
        try:
            await self._redis.hset(
                redis_keys.key_stats(POOL), self._instance_id, encode_instance(field)
            )
        except RedisError as exc:
            log.warning("key statistics not written: %s", exc)

    async def _adopt(self) -> None:
        """Do not ask with keys that another instance has just found rejected."""
        try:
            fields = await self._redis.hgetall(redis_keys.key_stats(POOL))
        except RedisError:
            return  # `write` has said so
        now_s, now = time.time(), time.monotonic()
        for other in read_instances(cast("dict[bytes, bytes]", fields), now_s):
            if other.instance_id == self._instance_id or not other.alive:
                continue
            for key in other.keys:
                if key.disabled_for_s is not None:
                    ago_s = now_s - other.written_at_s + key.disabled_for_s
                    self._pool.adopt(key, now - ago_s)

    def _show(self, keys: tuple[KeyStats, ...]) -> None:
        for key in keys:
            for status in _STATUSES:
                gauge = self._metrics.api_key_status.labels(key.key_id, status)
                gauge.set(key.status == status)
            if key.remaining_minute is not None:
                self._metrics.key_remaining.labels(key.key_id).set(key.remaining_minute)
            if key.margin_ms is not None:
                self._metrics.key_margin_s.labels(key.key_id).set(key.margin_ms / 1000)


def counted(metrics: Metrics, keys: tuple[KeyStats, ...]) -> Counts:
    """All that ended since this process began."""
    (statuses,), (latencies,) = metrics.assessments.collect(), metrics.end_to_end_s.collect()
    # Prometheus counts in each bucket what is in those before it, too.
    up_to = [(s.labels["le"], int(s.value)) for s in latencies.samples if "le" in s.labels]
    below = (0, *(count for _, count in up_to))
    return Counts(
        {s.labels["status"]: int(s.value) for s in statuses.samples if s.name.endswith("_total")},
        tuple(float(le) for le, _ in up_to[:-1]),
        tuple(count - less for (_, count), less in zip(up_to, below, strict=False)),
        {k.key_id: (k.total_calls, _failed(k)) for k in keys},
    )


def _failed(key: KeyStats) -> int:
    return max(0, key.total_calls - key.successful_calls - key.in_flight)


def _with_standing(key: KeyStats, standing: Mapping[str, Standing]) -> KeyStats:
    found = standing.get(key.key_id)
    if found is None:
        return key
    cools = key.status == "available" and found.held_s > 0
    return msgspec.structs.replace(
        key,
        status="cooling" if cools else key.status,
        cooldown_left_s=0.0 if key.status == "disabled" else max(key.cooldown_left_s, found.held_s),
        remaining_minute=found.remaining_minute,
        margin_ms=round(found.margin_s * 1000, 1),
    )
