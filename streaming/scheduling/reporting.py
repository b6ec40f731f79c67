"""Every second: how the keys stand, to Redis and Prometheus; disabled ones are tried again."""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import cast, get_args

import redis.asyncio
from redis.exceptions import RedisError

from streaming import redis_keys
from streaming.metrics import Metrics
from streaming.scheduling.key_pool import KeyPool
from streaming.scheduling.keys_verify import check
from streaming.scheduling.provider import Provider
from streaming.scheduling.stats import (
    POOL,
    InstanceStats,
    KeyStatus,
    encode_instance,
    read_instances,
)
from streaming.scheduling.turnstile import Turnstile
from streaming.settings import ApiKey

log = logging.getLogger(__name__)

_EVERY_S = 1.0
_STATUSES: tuple[KeyStatus, ...] = get_args(KeyStatus)


class Reporter:
    """Writes one instance's field of `keys:{pool}:stats`."""

    def __init__(
        self,
        pool: KeyPool,
        turnstile: Turnstile,
        client: redis.asyncio.Redis,
        metrics: Metrics,
        instance_id: str,
    ) -> None:
        self._pool = pool
        self._turnstile = turnstile
        self._redis = client
        self._metrics = metrics
        self._instance_id = instance_id
        self._probes: set[asyncio.Task[None]] = set()

    async def resume(self) -> None:
        """Go on counting where an earlier run of this instance stopped."""
        try:
            raw = await self._redis.hget(redis_keys.key_stats(POOL), self._instance_id)
        except RedisError as exc:
            log.warning("calls are counted anew: %s", exc)
            return
        if raw is not None:
            for earlier in read_instances({b"": cast("bytes", raw)}, 0.0):
                self._pool.resume(earlier.keys)

    async def run(self, provider: Provider, keys: Mapping[str, ApiKey], model: str) -> None:
        """Until cancelled."""
        while True:
            await self.write()
            for key_id in self._pool.due_probes(time.monotonic()):
                probe = asyncio.create_task(self._probe(provider, keys[key_id], model))
                self._probes.add(probe)
                probe.add_done_callback(self._probes.discard)
            await asyncio.sleep(_EVERY_S)

    async def write(self) -> None:
        """The keys as they stand now."""
        stats = self._pool.stats(time.monotonic())
        for key in stats:
            for status in _STATUSES:
                gauge = self._metrics.api_key_status.labels(key.key_id, status)
                gauge.set(key.status == status)
        field = InstanceStats(self._instance_id, time.time(), stats, self._turnstile.waiting)
        try:
            await self._redis.hset(
                redis_keys.key_stats(POOL), self._instance_id, encode_instance(field)
            )
        except RedisError as exc:
            log.warning("key statistics not written: %s", exc)

    async def _probe(self, provider: Provider, key: ApiKey, model: str) -> None:
        error = await check(provider, key, model)
        self._pool.probed(key.id, error, time.monotonic())
        self._turnstile.keys_changed()
        log.info("disabled key tried", extra={"key_id": key.id, "error": str(error or "")})
