"""How the detection workers say that each camera is."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from math import inf

from streaming.logs import mask_url
from streaming.settings import Settings
from trafficmon_dagster.defs.alerts.readers import Sight
from trafficmon_dagster.defs.alerts.readers.redis_hash import RedisUnreachable, read_hash
from trafficmon_dagster.defs.alerts.states import Reading

WORKER_GONE_S = 10.0
_GIVING = ("online", "degraded")
_PLAYED_ONCE = "#once"


def read(settings: Settings, now: float) -> Sight:
    """Redis being away is the other sensor's to tell, which asks it too."""
    from streaming import redis_keys

    try:
        fields = read_hash(settings.redis, redis_keys.CAMERAS_STATUS)
    except RedisUnreachable as exc:
        return Sight((), problem=str(exc), blind=True)
    return Sight(tuple(of_cameras(fields, now)))


def of_cameras(fields: Mapping[bytes, bytes], now: float) -> Iterator[Reading]:
    """One whose worker has fallen silent is not known: that is the worker's alert.

    A file that is played once is over at its end, and no outage.
    """
    for camera_id, raw in fields.items():
        told = json.loads(raw)
        updated_at = told.get("updatedAt")
        silent_s = now - datetime.fromisoformat(updated_at).timestamp() if updated_at else inf
        if silent_s > WORKER_GONE_S or str(told.get("source", "")).endswith(_PLAYED_ONCE):
            continue
        status = str(told.get("status"))
        offline = status not in _GIVING
        why = f"{status}: {mask_url(str(told['error']))}" if told.get("error") else status
        labels = {"camera": camera_id.decode()}
        yield Reading("camera_offline", int(offline), labels, why if offline else "")
