"""The embedded Kafka and Redis under supervision: killed, they come back with their data."""

import os
import signal
from pathlib import Path

import psutil
import pytest
import redis

from streaming import supervision
from streaming.embedded import endpoints, ports
from streaming.errors import DiskFull, KafkaUnreachable
from streaming.kafka import admin
from streaming.kafka.clients import producer
from streaming.kafka.snapshot import records
from streaming.settings import Settings, load
from streaming.supervision import daemon, orphans
from streaming.supervision.control import Control
from tests.waiting import eventually

SERVICES = ("kafka", "redis")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch):
    """Settings whose default ports are free ones, so that nothing else on the machine is met."""
    monkeypatch.setenv("TRAFFICMON_CONFIG_DIR", str(tmp_path))
    for variable in ("KAFKA_BOOTSTRAP_SERVERS", "REDIS_URL"):
        monkeypatch.delenv(variable, raising=False)
    defaults = endpoints.DEFAULTS | {
        endpoints.KAFKA: f"127.0.0.1:{ports.any_free()}",
        endpoints.REDIS: f"redis://127.0.0.1:{ports.any_free()}/0",
    }
    monkeypatch.setattr(endpoints, "DEFAULTS", defaults)
    settings = load(tmp_path, {"TRAFFICMON_STATE_DIR": str(tmp_path / "state dir")})
    settings = settings.model_copy(update={"logs_dir": tmp_path / "logs"})
    settings = endpoints.with_endpoints(settings, defaults)
    yield settings
    supervision.down(settings, print)
    assert orphans.find(settings.state_dir) == []


def _pids(settings: Settings) -> dict[str, int | None]:
    return {s.name: s.pid for s in supervision.status(settings) if s.state == "RUNNING"}


def _keep(settings: Settings, value: bytes) -> None:
    out = producer(settings.kafka, client_id="test")
    out.produce(settings.kafka.topics.camera_control.name, key=value, value=value)
    assert out.flush(30) == 0
    with redis.Redis.from_url(settings.redis.url) as client:
        client.rpush("kept", value)


def _kept(settings: Settings) -> tuple[list[bytes], list[bytes]]:
    topic = settings.kafka.topics.camera_control.name
    with redis.Redis.from_url(settings.redis.url) as client:
        return (
            sorted(r.value() for r in records(settings.kafka, [topic])),
            client.lrange("kept", 0, -1),
        )


def test_up_is_repeatable_and_nothing_is_lost_by_kill_9(settings):
    here = supervision.up(settings, SERVICES, print)
    first = _pids(here)
    assert set(first) == set(SERVICES)
    # supervisord's child is the server itself, so that signals and status mean it.
    names = [psutil.Process(pid).name() for pid in first.values()]
    assert names == ["java", "redis-server"]
    _keep(here, b"1")

    assert supervision.up(here, SERVICES, print) == here
    assert _pids(here) == first

    for pid in first.values():
        os.kill(pid, signal.SIGKILL)
    eventually(
        lambda: (
            _pids(here).keys() == set(SERVICES)
            and not set(_pids(here).values()) & set(first.values())
        )
    )
    admin.wait_for_broker(here.kafka, 120)
    _keep(here, b"2")
    assert _kept(here) == ([b"1", b"2"], [b"1", b"2"])


def test_after_a_killed_supervisor_up_starts_afresh_on_the_same_data(settings):
    here = supervision.up(settings, SERVICES, print)
    _keep(here, b"1")
    before = _pids(here)
    os.kill(Control(daemon.layout(here).socket).pid(), signal.SIGKILL)
    eventually(lambda: {s.state for s in supervision.status(here)} == {"ORPHANED"})

    here = supervision.up(here, SERVICES, print)
    assert not set(_pids(here).values()) & set(before.values())
    assert _kept(here) == ([b"1"], [b"1"])

    supervision.down(here, print)
    assert supervision.status(here) == ()
    assert endpoints.read(here.state_dir) == {}
    supervision.down(here, print)


def test_a_broker_that_dies_at_every_start_is_told_with_its_log(settings):
    broken = settings.state_dir / "kafka" / "data" / "meta.properties"
    broken.parent.mkdir(parents=True)
    broken.write_text("version=1\ncluster.id=not-ours\nnode.id=7\n")
    with pytest.raises(KafkaUnreachable, match=r"says why in .*kafka\.out\.log"):
        supervision.up(settings, SERVICES, print)
    said = (settings.logs_dir / "kafka.out.log").read_text()
    assert "Exiting Kafka due to fatal exception" in said


def test_a_full_disk_is_told_before_anything_starts(settings, monkeypatch):
    monkeypatch.setattr("streaming.embedded.disk.require_space.__defaults__", (1 << 60,))
    with pytest.raises(DiskFull, match="TRAFFICMON_STATE_DIR"):
        supervision.up(settings, SERVICES, print)
    assert supervision.status(settings) == ()
