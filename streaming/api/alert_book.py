"""Alerts of all cameras: filtered, paged, acknowledged."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import msgspec
import redis.asyncio

from streaming import redis_keys
from streaming.aggregation.alert_store import ALERT_CAMERAS, acknowledgement_key
from streaming.aggregation.alerts import Alert

_ACKNOWLEDGED_S = 7 * 86_400


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """What to list; None takes all. `since` bounds the moment it was last seen."""

    camera_id: str | None = None
    level: str | None = None
    since: datetime | None = None
    acknowledged: bool | None = None
    is_open: bool | None = None


class AlertBook:
    """Reads `alerts:{id}`; acknowledgements lie beside them, so nobody overwrites anybody."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._redis = client

    async def found(self, wanted: AlertFilter) -> list[Alert]:
        """Matching alerts, the newest first.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        ids = [wanted.camera_id] if wanted.camera_id else await self._cameras()
        alerts = [a for a in await self._of(ids) if _matches(a, wanted)]
        alerts.sort(key=lambda a: (a.captured_at, a.id), reverse=True)
        alerts = await self._with_acknowledgements(alerts)
        if wanted.acknowledged is None:
            return alerts
        return [a for a in alerts if a.acknowledged == wanted.acknowledged]

    async def acknowledge(self, alert_id: str, now: datetime) -> Alert | None:
        """Note that a person has seen it, and tell every client; None if there is no such alert.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        alert = next((a for a in await self._of(await self._cameras()) if a.id == alert_id), None)
        if alert is None:
            return None
        key = acknowledgement_key(alert_id)
        await self._redis.set(key, now.isoformat(), ex=_ACKNOWLEDGED_S, nx=True)
        (acknowledged,) = await self._with_acknowledgements([alert])
        event = msgspec.json.encode({"type": "alert", "data": acknowledged})
        await self._redis.publish(redis_keys.camera_channel(alert.camera_id), event)
        return acknowledged

    async def _cameras(self) -> list[str]:
        found = cast("set[bytes]", await self._redis.smembers(ALERT_CAMERAS))
        return sorted(camera_id.decode() for camera_id in found)

    async def _of(self, camera_ids: list[str]) -> list[Alert]:
        pipe = self._redis.pipeline(transaction=False)
        for camera_id in camera_ids:
            pipe.lrange(redis_keys.camera_alerts(camera_id), 0, -1)
        lists = await pipe.execute() if camera_ids else []
        return [_decoder.decode(raw) for raws in lists for raw in raws]

    async def _with_acknowledgements(self, alerts: list[Alert]) -> list[Alert]:
        if not alerts:
            return []
        times: Any = await self._redis.mget([acknowledgement_key(a.id) for a in alerts])
        return [
            msgspec.structs.replace(
                alert, acknowledged=True, acknowledged_at=datetime.fromisoformat(at.decode())
            )
            if at
            else alert
            for alert, at in zip(alerts, times, strict=True)
        ]


def _matches(alert: Alert, wanted: AlertFilter) -> bool:
    return (
        (wanted.level is None or alert.risk_level == wanted.level)
        and (wanted.since is None or alert.last_seen_at >= wanted.since)
        and (wanted.is_open is None or (alert.closed_at is None) == wanted.is_open)
    )


_decoder = msgspec.json.Decoder(Alert)
