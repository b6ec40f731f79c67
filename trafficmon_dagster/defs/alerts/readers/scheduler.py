"""What the schedulers wrote to Redis in the last seconds: verdicts, errors, keys."""

from collections.abc import Iterator, Mapping
from typing import Any

from streaming.scheduling.recent import Counts, summed
from streaming.settings import Settings
from trafficmon_dagster.defs.alerts.readers import Sight, reachable, unreachable
from trafficmon_dagster.defs.alerts.readers.redis_hash import RedisUnreachable, read_hash
from trafficmon_dagster.defs.alerts.states import Reading

SILENT_AFTER_S = 20.0
"""Four of its signs of life that did not come."""

FEWEST = 10
"""With fewer tasks or calls in five minutes, a share or a percentile says nothing."""


def read(settings: Settings, now: float) -> Sight:
    """`now` is Unix time in s: a scheduler that wrote nothing for ten seconds does not count."""
    try:
        return _read(settings, now)
    except RedisUnreachable as exc:
        return unreachable("redis", str(exc))


def _read(settings: Settings, now: float) -> Sight:
    from streaming import redis_keys
    from streaming.scheduling.stats import POOL, read_instances, scheduler_stats

    fields = read_hash(settings.redis, redis_keys.key_stats(POOL))
    signs = read_hash(settings.redis, redis_keys.DAEMONS_SEEN)
    always = (reachable("redis"), *silent(signs, now))
    alive = [i for i in read_instances(fields, now) if i.alive]
    if not alive:
        return Sight(always, problem="no scheduler is running")
    recent = summed(instance.recent for instance in alive)
    stats = scheduler_stats(alive)
    return Sight((*always, *of_verdicts(recent), *of_keys(recent, stats)))


def silent(signs: Mapping[bytes, bytes], now: float) -> Iterator[Reading]:
    """Which of the daemons that ever gave a sign of life gives none now."""
    for name, seen_at in signs.items():
        silent_s = now - float(seen_at)
        gone = silent_s > SILENT_AFTER_S
        why = f"no sign of life for {silent_s:.0f} s" if gone else ""
        yield Reading("daemon_silent", int(gone), {"daemon": name.decode()}, why)


def of_verdicts(recent: Counts) -> Iterator[Reading]:
    """P95 and error rate, where enough tasks ended."""
    p95_s, error_rate = recent.p95_s(), recent.error_rate()
    if p95_s is not None and recent.verdicts >= FEWEST:
        detail = f"{recent.verdicts:,} verdicts"
        yield Reading("end_to_end_latency_p95", p95_s, {}, detail)
    ended = sum(recent.ended.values())
    if error_rate is not None and ended >= FEWEST:
        counts = (f"{n:,} {status}" for status, n in sorted(recent.ended.items()) if n)
        yield Reading("error_rate", error_rate, {}, ", ".join(counts))


def of_keys(recent: Counts, stats: Mapping[str, Any]) -> Iterator[Reading]:
    """How many keys may be used, which are refused, and how often each fails."""
    detail = (
        f"{stats['available_keys']} of {stats['total_keys']} available,"
        f" {stats['cooling_keys']} cooling, {stats['disabled_keys']} disabled"
    )
    yield Reading("available_api_keys", stats["available_keys"], {}, detail)
    for key in stats["keys"]:
        labels = {"key": key["key_id"]}
        error = str(key["last_error"] or "")
        yield Reading("api_key_disabled", int(key["status"] == "disabled"), labels, error)
        calls, failed = recent.calls.get(key["key_id"], (0, 0))
        if calls >= FEWEST:
            detail = f"{failed:,} of {calls:,} calls" + (f", the last: {error}" if error else "")
            yield Reading("api_key_failure_rate", failed / calls, labels, detail)
