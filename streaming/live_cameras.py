"""Every camera that is configured or announced, and how it is right now."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from redis.exceptions import RedisError

from streaming import redis_keys
from streaming.kafka.cameras import announced
from streaming.logs import mask_url
from streaming.redis_client import connect, unreachable
from streaming.settings import Settings

_WORKER_GONE_S = 10.0


@dataclass(frozen=True, slots=True)
class LiveCamera:
    """One camera; `status` is opening, online, degraded, offline, stopped, or unknown while no
    worker tells."""

    id: str
    name: str
    source: str
    status: str
    error: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def cameras_in_force(settings: Settings) -> tuple[LiveCamera, ...]:
    """Configured cameras, changed by what camera-control says, with the workers' own word.

    Raises:
        KafkaUnreachable, RedisUnreachable: one of the two does not answer.
    """
    wanted = {c.id: (c.name, c.source) for c in settings.cameras if c.enabled}
    stopped: set[str] = set()
    for camera_id, command in announced(settings.kafka).items():
        if command is None or not command.enabled:
            stopped.add(camera_id)
        else:
            wanted[camera_id] = (command.name, command.source)
    heard = _heard(settings)
    return tuple(
        LiveCamera(camera_id, name, mask_url(source), *_state(camera_id, stopped, heard))
        for camera_id, (name, source) in sorted(wanted.items())
    )


def _heard(settings: Settings) -> dict[str, dict[str, Any]]:
    client = connect(settings.redis)
    try:
        found = client.hgetall(redis_keys.CAMERAS_STATUS)
    except RedisError as exc:
        raise unreachable(settings.redis, exc) from exc
    finally:
        client.close()
    return {k if isinstance(k, str) else k.decode(): json.loads(v) for k, v in found.items()}


def _state(
    camera_id: str, stopped: set[str], heard: dict[str, dict[str, Any]]
) -> tuple[str, str | None]:
    if camera_id in stopped:
        return "stopped", None
    told = heard.get(camera_id, {})
    if _is_stale(told.get("updatedAt")):
        return "unknown", None
    return str(told.get("status", "unknown")), told.get("error")


def _is_stale(updated_at: str | None) -> bool:
    """Whether the worker that wrote this is gone."""
    if updated_at is None:
        return False
    silent_s = (datetime.now(UTC) - datetime.fromisoformat(updated_at)).total_seconds()
    return silent_s > _WORKER_GONE_S
