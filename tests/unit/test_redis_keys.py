"""Names in Redis are part of the contract: docs/architecture.md lists them."""

import pytest

from streaming import redis_keys


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (redis_keys.camera_latest("7"), "camera:7:latest"),
        (redis_keys.camera_channel("7"), "camera:7"),
        (redis_keys.camera_alerts("7"), "alerts:7"),
        (redis_keys.ALERTS_STREAM, "alerts"),
        (redis_keys.CAMERAS_STATUS, "cameras:status"),
        (redis_keys.image("ab"), "image:ab"),
        (redis_keys.assessed("m:0"), "assessed:m:0"),
        (redis_keys.key_stats("default"), "keys:{default}:stats"),
    ],
)
def test_a_key_has_its_documented_name(key, name):
    assert key == name
