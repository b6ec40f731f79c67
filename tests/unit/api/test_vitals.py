"""All checks as one state."""

import pytest

from streaming.api.vitals import Check, keys_check, worst


def pool(total: int, available: int, *, instances: int = 1) -> dict[str, int]:
    return {
        "total_keys": total,
        "available_keys": available,
        "cooling_keys": total - available,
        "disabled_keys": 0,
        "instances": instances,
    }


@pytest.mark.parametrize(
    ("stats", "state"),
    [
        (pool(3, 3), "ok"),
        (pool(3, 1), "warning"),
        (pool(3, 0), "down"),
        (pool(3, 3, instances=0), "warning"),
        (pool(0, 0, instances=0), "down"),
    ],
)
def test_keys_are_down_when_none_may_be_used(stats, state):
    assert keys_check(stats).state == state


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, "ok"),
        ({"disk": "warning"}, "degraded"),
        ({"keys": "down"}, "degraded"),
        ({"redis": "down"}, "down"),
        ({"kafka": "down"}, "down"),
    ],
)
def test_the_whole_is_down_only_without_kafka_or_redis(changed, status):
    names = ("kafka", "redis", "keys", "disk", "memory")
    assert worst({n: Check(changed.get(n, "ok"), "") for n in names}) == status
