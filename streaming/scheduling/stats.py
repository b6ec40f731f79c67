"""What `/api/scheduler/stats` shows: every instance's view of the keys, merged into one. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from streaming.scheduling.recent import Counts

KeyStatus = Literal["available", "cooling", "disabled"]

POOL = "provider"
"""The name of the one key pool there is, in `streaming.redis_keys.key_stats`."""

ALIVE_S = 10.0
"""An instance that wrote nothing for so long no longer counts as holding keys."""

_SEVERITY: dict[KeyStatus, int] = {"available": 0, "cooling": 1, "disabled": 2}


class KeyStats(msgspec.Struct, frozen=True):
    """One key as one instance sees it; a call is successful when a usable answer came.

    `remaining_minute` calls are left of the account's minute, over all instances; `margin_ms`
    is by how much a second is planned wider than it is.
    """

    key_id: str
    status: KeyStatus
    total_calls: int = 0
    successful_calls: int = 0
    in_flight: int = 0
    cooldown_left_s: float = 0.0
    last_error: str | None = None
    disabled_for_s: float | None = None
    remaining_minute: int | None = None
    margin_ms: float | None = None


class InstanceStats(msgspec.Struct, frozen=True):
    """What one scheduler instance writes every second: a field of the hash `keys:{pool}:stats`.

    `recent` is what it ended in the last five minutes.
    """

    instance_id: str
    written_at_s: float
    keys: tuple[KeyStats, ...]
    waiting: int = 0
    shared: bool = True
    alive: bool = True
    recent: Counts = Counts()


def encode_instance(stats: InstanceStats) -> bytes:
    """The field's value."""
    return msgspec.json.encode(stats)


def read_instances(fields: Mapping[bytes, bytes], now_s: float) -> tuple[InstanceStats, ...]:
    """Every instance of `HGETALL keys:{pool}:stats`; `now_s` is Unix time in seconds.

    One that stopped writing keeps its call totals but is marked as not alive. A value that
    cannot be read (written by another version) is left out.
    """
    found = []
    for value in fields.values():
        try:
            stats = msgspec.json.decode(value, type=InstanceStats)
        except msgspec.DecodeError:
            continue
        alive = now_s - stats.written_at_s <= ALIVE_S
        found.append(msgspec.structs.replace(stats, alive=alive))
    return tuple(found)


def scheduler_stats(instances: Iterable[InstanceStats]) -> dict[str, Any]:
    """The `data` of `/api/scheduler/stats`, in the guide's shape.

    Calls are summed over all instances that ever wrote, also stopped ones. States, in-flight
    calls and cooldowns come from those alive, the worst state winning. `in_use_keys` are the
    available keys with a call under way. `success_rate` is of the calls that ended, None before
    the first; those under way when an instance was killed never do.
    """
    everyone = sorted(instances, key=lambda i: i.written_at_s)
    alive = [i for i in everyone if i.alive]
    # With nobody alive, the last one to write still knows which keys there are.
    listed = {k.key_id for i in alive or everyone[-1:] for k in i.keys}
    keys = [_merged(key_id, everyone) for key_id in sorted(listed)]
    calls = sum(k["total_calls"] for k in keys)
    ended = sum(k.pop("_ended") for k in keys)
    successes = sum(k.pop("_successes") for k in keys)
    statuses = [k["status"] for k in keys]
    return {
        "total_keys": len(keys),
        "available_keys": statuses.count("available"),
        "in_use_keys": sum(1 for k in keys if k["status"] == "available" and k["in_flight"]),
        "cooling_keys": statuses.count("cooling"),
        "disabled_keys": statuses.count("disabled"),
        "total_calls": calls,
        "success_rate": _rate(successes, ended),
        "instances": len(alive),
        "waiting_tasks": sum(i.waiting for i in alive),
        "limits_shared": all(i.shared for i in alive),
        "keys": keys,
    }


def _merged(key_id: str, instances: Iterable[InstanceStats]) -> dict[str, Any]:
    """One key over all instances, which come in the order of their writing."""
    views = [(i.alive, k) for i in instances for k in i.keys if k.key_id == key_id]
    current = [k for alive, k in views if alive] or [
        msgspec.structs.replace(views[-1][1], in_flight=0, cooldown_left_s=0.0)
    ]
    ended = sum(k.total_calls - k.in_flight for _, k in views)
    successes = sum(k.successful_calls for _, k in views)
    errors = [k.last_error for k in current if k.last_error]
    newest = current[-1]
    return {
        "key_id": key_id,
        "status": max((k.status for k in current), key=_SEVERITY.__getitem__),
        "total_calls": sum(k.total_calls for _, k in views),
        "success_rate": _rate(successes, ended),
        "in_flight": sum(k.in_flight for k in current),
        "cooldown_left_s": round(max(k.cooldown_left_s for k in current), 1),
        "remaining_minute": newest.remaining_minute,
        "margin_ms": newest.margin_ms,
        "last_error": errors[-1] if errors else None,
        "_ended": ended,
        "_successes": successes,
    }


def _rate(successes: int, ended: int) -> float | None:
    return round(successes / ended, 4) if ended else None
