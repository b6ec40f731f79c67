"""How the machinery is: Kafka and its lag, Redis, keys, disk, memory."""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import psutil
import redis.asyncio
from redis.exceptions import RedisError

from streaming import redis_keys
from streaming.errors import KafkaUnreachable
from streaming.kafka import admin
from streaming.scheduling.stats import POOL, read_instances, scheduler_stats
from streaming.settings import Settings

log = logging.getLogger(__name__)

State = Literal["ok", "warning", "down"]

_LAG_EVERY_S = 5.0
_KAFKA_TIMEOUT_S = 3.0
_LEAST_DISK_FREE = 1_000_000_000
_LEAST_MEMORY_FREE = 0.05


@dataclass(frozen=True, slots=True)
class Check:
    """One part's state and a sentence about it; `figures` are its numbers, for other languages."""

    state: State
    detail: str
    figures: Mapping[str, float] = field(default_factory=dict)


class Vitals:
    """Looks at everything; what is slow to ask (Kafka) is asked in the background."""

    def __init__(self, settings: Settings, client: redis.asyncio.Redis) -> None:
        self._settings = settings
        self._redis = client
        self.lag: dict[tuple[str, str], int] = {}
        self._kafka = Check("warning", "not asked yet")

    async def watch(self) -> None:
        """Ask Kafka every five seconds until cancelled."""
        while True:
            await self.look_at_kafka()
            await asyncio.sleep(_LAG_EVERY_S)

    async def look_at_kafka(self) -> None:
        """Note whether the broker answers, and how far behind each consumer group is."""
        kafka = self._settings.kafka
        started_s = time.monotonic()
        try:
            await asyncio.to_thread(admin.wait_for_broker, kafka, _KAFKA_TIMEOUT_S)
            self.lag = await asyncio.to_thread(admin.lag, kafka)
        except (KafkaUnreachable, TimeoutError) as exc:
            self._kafka = Check("down", str(exc) or "no answer in time")
            return
        took_ms = (time.monotonic() - started_s) * 1000
        behind = sum(self.lag.values())
        limit = self._settings.monitoring.alerts.kafka_lag_threshold
        detail = (
            f"{kafka.bootstrap_servers}, {behind} messages behind, answered in {took_ms:.0f} ms"
        )
        figures = {"behind": behind, "answeredMs": round(took_ms)}
        self._kafka = Check("warning" if behind > limit else "ok", detail, figures)

    async def scheduler(self) -> dict[str, Any]:
        """The key pool's stats in the guide's shape, over all scheduler instances.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        fields = await self._redis.hgetall(redis_keys.key_stats(POOL))
        found = read_instances(cast("dict[bytes, bytes]", fields), time.time())
        return scheduler_stats(found)

    async def checks(self) -> dict[str, Check]:
        """Every check; none of them raises."""
        return {
            "kafka": self._kafka,
            "redis": await self._redis_check(),
            "keys": await self._keys_check(),
            "disk": self._disk_check(),
            "memory": _memory_check(),
        }

    async def _redis_check(self) -> Check:
        started_s = time.monotonic()
        try:
            info = await self._redis.info("memory")
        except RedisError as exc:
            return Check("down", f"no answer: {type(exc).__name__}")
        took_ms = (time.monotonic() - started_s) * 1000
        used_mb = int(info.get("used_memory", 0)) / 1e6
        return Check(
            "ok",
            f"{used_mb:.0f} MB used, answered in {took_ms:.1f} ms",
            {"usedMb": round(used_mb), "answeredMs": round(took_ms, 1)},
        )

    async def _keys_check(self) -> Check:
        try:
            stats = await self.scheduler()
        except RedisError:
            return Check("down", "unknown while Redis is away")
        return keys_check(stats)

    def _disk_check(self) -> Check:
        folder = self._settings.state_dir
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        free = psutil.disk_usage(str(folder)).free
        free_gb = round(free / 1e9, 1)
        state: State = "ok" if free > _LEAST_DISK_FREE else "warning"
        return Check(state, f"{free_gb} GB free for state_dir", {"freeGb": free_gb})


def keys_check(stats: dict[str, Any]) -> Check:
    """The pool as one state: no key that may be used now is down."""
    total, available = stats["total_keys"], stats["available_keys"]
    cooling, disabled = stats["cooling_keys"], stats["disabled_keys"]
    instances = stats.get("instances") or 0
    detail = f"{available} of {total} available, {cooling} cooling, {disabled} disabled"
    figures = {
        "available": available,
        "total": total,
        "cooling": cooling,
        "disabled": disabled,
        "instances": instances,
    }
    state: State = "ok" if available == total else "warning"
    if not instances:
        state = "warning" if total else "down"
        detail += "; no scheduler is running"
    elif not available:
        state = "down"
    return Check(state, detail, figures)


def worst(checks: dict[str, Check]) -> Literal["ok", "degraded", "down"]:
    """All checks as one: down only if Kafka or Redis is, as nothing flows without them."""
    if any(checks[name].state == "down" for name in ("kafka", "redis")):
        return "down"
    return "ok" if all(check.state == "ok" for check in checks.values()) else "degraded"


def _memory_check() -> Check:
    memory = psutil.virtual_memory()
    own_mb = psutil.Process().memory_info().rss / 1e6
    free_share, free_gb = memory.available / memory.total, memory.available / 1e9
    return Check(
        "ok" if free_share > _LEAST_MEMORY_FREE else "warning",
        f"{free_gb:.1f} GB free ({free_share:.0%}), this process {own_mb:.0f} MB",
        {
            "freeGb": round(free_gb, 1),
            "freePercent": round(100 * free_share),
            "ownMb": round(own_mb),
        },
    )
