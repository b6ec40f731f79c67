"""What is not at its default is shown with where it came from, and secrets are not."""

import json

import pytest
from click.testing import CliRunner

from streaming.cli import trafficmon
from streaming.errors import ConfigError
from streaming.settings import Setting, every_setting, in_force


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
        Setting("api_keys[0].id", "key_1", str(tmp_path / "api_keys.yaml")),
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


def by_name(configured, files=(), **environ):
    found, wrong = every_setting(*configured(files, **environ))
    return {setting.name: setting for setting in found}, wrong


def test_every_setting_says_where_it_came_from(configured, tmp_path):
    files = {
        "kafka.yaml": """
            kafka:
              topics:
                assessment_tasks: my-tasks
              producer:
                linger_ms: ${LINGER}
        """,
        "cameras.yaml": """
            cameras:
              - id: 010
                source: rtsp://u:pass-word@10.0.0.5/1
        """,
    }
    (tmp_path / "state").mkdir()
    noted = {"redis.url": "redis://127.0.0.1:6399/0"}
    (tmp_path / "state" / "endpoints.json").write_text(json.dumps(noted))
    environ = {"LINGER": "7", "TRAFFICMON_DETECTION__IOU": "0.7", "LANG": "en_US.UTF-8"}
    found, wrong = by_name(configured, files, **environ)
    assert not wrong
    shown = {name: (s.value, s.where.removeprefix(f"{tmp_path}/")) for name, s in found.items()}
    assert shown["kafka.producer.linger_ms"] == ("7", "kafka.yaml:6 ${LINGER}")
    assert shown["kafka.topics.assessment_tasks.name"] == ("my-tasks", "kafka.yaml:4")
    assert shown["kafka.topics.assessment_tasks.partitions"] == ("16", "default")
    assert shown["cameras[0].id"] == ("010", "cameras.yaml:3")
    assert shown["cameras[0].source"] == ("rtsp://***@10.0.0.5/1", "cameras.yaml:4")
    assert shown["cameras[0].enabled"] == ("true", "default")
    assert shown["detection.iou"] == ("0.7", "TRAFFICMON_DETECTION__IOU")
    assert shown["prompt.language"] == ("en", "LANG")
    assert shown["redis.url"] == ("redis://127.0.0.1:6399/0", "state/endpoints.json")
    assert shown["serving.token"] == ("unset", "default")
    assert found["detection.iou"].plain == 0.7


def test_a_wrong_setting_is_shown_as_it_was_given_and_the_others_as_they_hold(configured):
    files = {
        "kafka.yaml": "kafka:\n  producer:\n    linger_ms: soon\n    batch_size: 2048\n",
        "api_keys.yaml": "api_keys:\n- {key: sk-abcdefgh, rpm_limit: 7}\n- {key: sk-ijklmnop, rpm_limit: sk-qrstuvwx}\n",
        "serving.yaml": "serving: {hots: 1}\nredis: {url: 'http://u:pass-word@h'}\n",
    }
    found, wrong = by_name(configured, files)
    assert len(wrong) == 4
    assert found["kafka.producer.linger_ms"].value == "soon"
    assert found["kafka.producer.linger_ms"].line == 3
    assert "must be a whole number" in found["kafka.producer.linger_ms"].problem
    assert (
        found["kafka.producer.batch_size"].value,
        found["kafka.producer.batch_size"].problem,
    ) == ("2048", None)
    assert found["serving.hots"].problem.endswith("did you mean host?")
    assert found["api_keys[0].rpm_limit"].value == "7"
    assert found["redis.url"].value == "***"
    said = repr(found)
    assert not [
        secret for secret in ("abcdefgh", "ijklmnop", "qrstuvwx", "pass-word") if secret in said
    ]


def test_every_setting_of_the_model_is_shown(configured):
    from streaming.settings.explain import paths
    from streaming.settings.model import Settings

    found, _ = by_name(configured)
    single = {path for path in paths(Settings) if "[]" not in path} - {"simulated", "warnings"}
    assert single <= found.keys()


def test_the_command_shows_a_table_or_json_of_what_begins_so(monkeypatch, tmp_path):
    monkeypatch.setenv("TRAFFICMON_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("TRAFFICMON_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("TRAFFICMON_SERVING__TOKEN", "a-long-token")
    (tmp_path / "detection.yaml").write_text("detection:\n  iou: 0.7\n")
    show = ["config", "show"]
    table = CliRunner().invoke(trafficmon, [*show, "serving"])
    assert (table.exit_code, "serving.token" in table.output) == (0, True)
    assert "a-long-token" not in table.output
    done = CliRunner().invoke(trafficmon, [*show, "detection", "--changed", "--format", "json"])
    assert json.loads(done.output) == [
        {
            "name": "detection.iou",
            "value": 0.7,
            "source": str(tmp_path / "detection.yaml"),
            "line": 2,
        }
    ]
    assert CliRunner().invoke(trafficmon, [*show, "nothing"]).exit_code == 1
    (tmp_path / "detection.yaml").write_text("detection:\n  iou: 7\n")
    wrong = CliRunner().invoke(trafficmon, [*show, "detection.iou", "--format", "json"])
    assert wrong.exit_code == 1
    assert "detection.yaml:2: detection.iou must be 1 or less, got 7" in wrong.output
