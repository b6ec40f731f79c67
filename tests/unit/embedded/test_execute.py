import pytest

from streaming import embedded
from streaming.errors import ConfigError
from streaming.settings import load


@pytest.fixture
def executed(monkeypatch):
    """What would be executed instead of this process."""
    calls = []
    for module in (embedded.kafka, embedded.redis):
        monkeypatch.setattr(module, "execute", lambda *args: calls.append(args))
    return calls


def _settings(tmp_path, **environ):
    return load(tmp_path, {"TRAFFICMON_STATE_DIR": str(tmp_path / "state")} | environ)


@pytest.mark.parametrize(
    ("name", "environ", "port"),
    [
        ("kafka", {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9191"}, 9191),
        ("redis", {"REDIS_URL": "redis://localhost:7001/0"}, 7001),
        ("redis", {"REDIS_URL": "redis://localhost"}, 6379),
    ],
)
def test_the_embedded_one_runs_at_the_configured_port(tmp_path, executed, name, environ, port):
    embedded.execute(name, _settings(tmp_path, **environ))
    assert executed == [(tmp_path / "state", port)]


@pytest.mark.parametrize(
    ("name", "environ", "setting"),
    [
        (
            "kafka",
            {"KAFKA_BOOTSTRAP_SERVERS": "kafka.city.example:9092"},
            "kafka.bootstrap_servers",
        ),
        ("kafka", {"KAFKA_BOOTSTRAP_SERVERS": "a:9092,b:9092"}, "kafka.bootstrap_servers"),
        ("redis", {"REDIS_URL": "redis://redis.city.example:6379/0"}, "redis.url"),
    ],
)
def test_elsewhere_none_is_started(tmp_path, executed, name, environ, setting):
    with pytest.raises(ConfigError, match=rf"{setting} names .*this machine only"):
        embedded.execute(name, _settings(tmp_path, **environ))
    assert executed == []
