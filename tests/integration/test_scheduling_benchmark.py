"""The benchmark runs, its figures add up, and nothing of it stays."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from confluent_kafka.admin import AdminClient

from streaming.benchmark.scheduler import Load, measure
from streaming.benchmark.scheduler.processes import Fleet
from streaming.errors import ConfigError, ServiceError
from streaming.redis_client import connect
from tests.waiting import eventually

QUICK = {"TRAFFICMON_SIMULATOR__LATENCY_MEDIAN_MS": "100"}


@pytest.fixture
def settings(make_settings):
    return make_settings(**QUICK)


def silent(_text):
    """Says nothing."""


def test_a_short_measurement_has_every_figure_they_add_up_and_nothing_stays(settings):
    load = Load(keys=3, qps=10, rpm=100_000, instances=(2,), duration_s=3.0)
    said = []
    report = measure(settings, load, said.append).as_dict()
    (result,) = report["results"]
    assert report["name"] == "scheduler"
    assert report["settings"]["limit_per_s"] == load.limit_per_s == 30
    assert report["settings"]["own_kafka"] is False
    assert result["instances"] == 2
    assert 0 < result["calls_per_s"] <= load.limit_per_s * 1.1
    assert result["share_of_limit"] == pytest.approx(result["calls_per_s"] / 30, abs=1e-3)
    assert result["success_rate"] == 1.0
    assert result["called_twice"] == 0
    assert set(result["added_latency_ms"]) == {"50", "80"}
    for figures in (*result["added_latency_ms"].values(), result["wait_ms"]):
        assert 0 < figures["p50"] <= figures["p95"] <= figures["p99"]
    assert result["cpu_ms_per_call"] > 0
    assert 0 < result["cores_busy"] <= os.cpu_count() * 1.05
    assert result["rss_mb"] == pytest.approx(sum(result["rss_mb_per_instance"]), abs=0.2)
    assert len(result["rss_mb_per_instance"]) == 2
    assert 0 < result["shares"]["min"] <= 1 <= result["shares"]["max"]
    assert result["met"]["success_rate"] is True
    assert any("2 instances" in line for line in said)
    assert_nothing_stays(settings)


def test_with_faults_every_task_ends_and_dead_keys_are_counted(settings):
    load = Load(keys=5, qps=10, rpm=100_000, duration_s=3.0, scenario="faults")
    (result,) = measure(settings, load, silent).results
    assert result["lost"] == 0
    assert sum(result["statuses"].values()) == result["tasks"]
    assert set(result["calls_to_dead_keys"]) == {"bench-0"}
    assert result["calls_to_dead_keys"]["bench-0"] >= 1
    assert result["attempts_per_task"] >= 1


def test_an_outage_is_measured_from_the_providers_return(settings):
    load = Load(keys=2, qps=10, rpm=100_000, duration_s=4.0, scenario="outage")
    (result,) = measure(settings, load, silent).results
    assert result["lost"] == 0
    assert result["outage_s"] == 4.0
    assert result["most_in_a_second"]["allowed_to_all"] == 20
    # By arrival at the provider: a busy machine brings what was sent apart nearer together.
    assert result["most_in_a_second"]["of_one_key"] <= 12


def test_a_scenario_that_kills_one_needs_another(settings):
    with pytest.raises(ConfigError, match="--instances of 2 or more"):
        measure(settings, Load(scenario="kill"), silent)


def ends_at_once(_settings, _instance_id):
    sys.exit(7)


def test_an_instance_that_ends_fails_the_benchmark_by_its_name(settings, tmp_path):
    with Fleet(tmp_path) as fleet:
        fleet.start("scheduler-1", ends_at_once, settings)

        def failed():
            try:
                fleet.check()
            except ServiceError as exc:
                return str(exc)
            return None

        assert "scheduler-1 ended with exit code 7" in eventually(failed)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_measurement_leaves_nothing(settings, tmp_path, signum):
    said = tmp_path / "said"
    with said.open("wb") as stderr:
        process = subprocess.Popen(
            [Path(sys.executable).with_name("trafficmon"), "bench", "scheduler", "--qps", "5",
             "--keys", "2", "--rpm", "100000", "--duration", "600", "--latency-at", "none"],
            stderr=stderr,
            stdout=subprocess.DEVNULL,
            env=os.environ | QUICK | {
                "KAFKA_BOOTSTRAP_SERVERS": settings.kafka.bootstrap_servers,
                "REDIS_URL": settings.redis.url,
            },
        )  # fmt: skip
    eventually(lambda: "warming up" in said.read_text() or process.poll(), timeout_s=120)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signum)
    assert process.wait(60) == 130, said.read_text()
    assert len(children) >= 2
    eventually(lambda: not [child for child in children if lives(child)])
    assert_nothing_stays(settings)


def lives(process):
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def assert_nothing_stays(settings):
    client = AdminClient({"bootstrap.servers": settings.kafka.bootstrap_servers, "log_level": 2})
    assert not [name for name in client.list_topics(timeout=10).topics if name.startswith("bench-")]
    groups = client.list_consumer_groups().result(timeout=10).valid
    assert not [g.group_id for g in groups if g.group_id.startswith("bench-")]
    with connect(settings.redis) as redis:
        assert not redis.info("keyspace").keys() & {"db12", "db13", "db14", "db15"}
