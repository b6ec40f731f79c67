"""What is not at its default is shown with where it came from, and secrets are not."""

import pytest

from streaming.errors import ConfigError
from streaming.settings import Setting, in_force


def test_only_what_differs_is_shown_with_its_file_or_variable(configured, tmp_path):
    files = {
        "kafka.yaml": "kafka: {producer: {linger_ms: 5, batch_size: 32768}}",
        "api_keys.yaml": "api_keys: [{key: sk-abcdefgh, rpm_limit: 60}]",
        "serving.yaml": "serving: {token: abcdefghij}",
    }
    environ = {"REDIS_URL": "redis://:abcdefgh@r:1/0", "TRAFFICMON_SIMULATOR__DEAD_KEYS": "[a, b]"}
    found = in_force(*configured(files, **environ))
    assert set(found) == {
        Setting("state_dir", str(tmp_path / "state"), "TRAFFICMON_STATE_DIR"),
        Setting("kafka.producer.linger_ms", "5", str(tmp_path / "kafka.yaml")),
        Setting("api_keys[0].key", "***", str(tmp_path / "api_keys.yaml")),
        Setting("api_keys[0].rpm_limit", "60", str(tmp_path / "api_keys.yaml")),
        Setting("serving.token", "***", str(tmp_path / "serving.yaml")),
        Setting("redis.url", "redis://***@r:1/0", "REDIS_URL"),
        Setting("simulator.dead_keys", "a, b", "TRAFFICMON_SIMULATOR__DEAD_KEYS"),
    }


def test_the_simulator_is_one_line(configured):
    found = in_force(*configured())
    assert [s.name for s in found] == ["state_dir", "provider.base_url"]
    assert found[1].source == "the simulator, as there is no key"


def test_problems_are_raised(configured):
    with pytest.raises(ConfigError, match="must be 1 or less"):
        in_force(*configured({"detection.yaml": "detection: {iou: 3}"}))
