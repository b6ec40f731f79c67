"""Dagster as `trafficmon up` starts it: loaded, every asset made and every job launched over HTTP."""

import json
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from streaming.embedded import ports
from streaming.kafka import admin
from streaming.kafka.clients import producer
from streaming.lake import ask
from streaming.messages import encode
from tests.builders import assessment_task, detection_result, risk_assessment
from trafficmon_dagster import launch
from trafficmon_dagster.definitions import defs
from trafficmon_dagster.names import BENCHMARK_HISTORY, table

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 480.0


@pytest.fixture
def environment(make_settings, tmp_path):
    """Settings of this test, as environment variables for processes."""
    settings = make_settings()
    topics = {
        f"TRAFFICMON_KAFKA__TOPICS__{field.upper()}": json.dumps(
            {"name": topic.name, "partitions": topic.partitions}
        )
        for field, topic in settings.kafka.topics
    }
    home = tmp_path / "dagster"
    home.mkdir()
    shutil.copy(ROOT / "trafficmon_dagster" / "instance" / "dagster.yaml", home)
    ours = {k: v for k, v in os.environ.items() if not k.startswith(("TRAFFICMON_", "DASHSCOPE_"))}
    environ = topics | {
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka.bootstrap_servers,
        "TRAFFICMON_STATE_DIR": str(settings.state_dir),
        "TRAFFICMON_REPORTS_DIR": str(settings.reports_dir),
        "TRAFFICMON_SIMULATOR__PORT": str(ports.any_free()),
        "DAGSTER_HOME": str(home),
    }
    return settings, ours | environ


@pytest.fixture
def start(environment, tmp_path):
    """Starts processes that are ended, with their children, after the test."""
    _, environ = environment
    started = []

    def run(*command):
        log = (tmp_path / f"process-{len(started)}.log").open("wb")
        process = subprocess.Popen(
            command, cwd=ROOT, env=environ, stdout=log, stderr=log, start_new_session=True
        )
        started.append(process)
        return process

    yield run
    for process in started:
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(True)]
        os.killpg(process.pid, signal.SIGTERM)
        _, stubborn = psutil.wait_procs(family, timeout=60)
        for survivor in stubborn:
            survivor.kill()
        process.wait(10)


def test_a_first_look_materializes_everything_and_every_job_succeeds(environment, start):
    settings, _ = environment
    admin.ensure_topics(settings.kafka)
    send_a_minute_of_one_camera(settings)
    start(sys.executable, "-m", "streaming.cli", "run", "simulator")
    port = ports.any_free()
    dg = str(Path(sys.executable).parent / "dg")
    start(
        dg,
        "dev",
        "-w",
        "trafficmon_dagster/instance/workspace.yaml",
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
    )

    address = f"http://127.0.0.1:{port}"
    results = launch.materialize_all(address, TIMEOUT_S)

    assert all(result.succeeded for result in results), launch.summary(results)
    made = {asset for result in results for asset in result.assets}
    graph = defs.resolve_asset_graph()
    measured = {table("benchmarks"), BENCHMARK_HISTORY}
    assert made == {key.to_user_string() for key in graph.materializable_asset_keys - measured}
    assert (settings.state_dir / "lake" / "warehouse.duckdb").exists()
    assert ask(settings, "SELECT count(*) FROM verdicts").rows == ((30,),)
    for name in ("latency", "success_rate", "slo", "cost", "camera", "risk", "capacity"):
        assert (settings.reports_dir / f"{name}.html").exists()
    success = json.loads((settings.reports_dir / "success_rate.json").read_text())
    assert success["numbers"]["success_rate"] == 1.0

    # Then every other job, on the same server; who writes to the lake waits in its queue.
    def launched(job):
        return job, launch.run_job(address, job, TIMEOUT_S, JOBS[job])

    with ThreadPoolExecutor() as pool:
        for job, result in pool.map(launched, JOBS):
            assert result.succeeded, f"{job}: {result.summary}"
    jobs = {job.name for job in defs.get_repository_def().get_all_jobs()}
    assert jobs - LAUNCHED_ELSEWHERE == {*JOBS, *launch.FIRST_LOOK}


def config_of(op, **answers):
    return {"ops": {op: {"config": answers}}}


JOBS = {
    "ingestion": {},
    "backfill": config_of("read_again", stream="all"),
    "migrate": config_of("migrate_lake", dry_run=True),
    "provision_topics": {},
    "record_alerts": {},
    "replay_dead_letters": config_of("send_back", letters="all"),
    "upkeep": {},
    "verify_keys": {},
}
LAUNCHED_ELSEWHERE = {"__ASSET_JOB", "benchmark", "probe"}
"""The asset job is Dagster's own; what measures for minutes has tests beside it."""


def send_a_minute_of_one_camera(settings):
    topics = settings.kafka.topics
    out = producer(settings.kafka, client_id="test")
    for n in range(30):
        about = {"message_id": f"m{n}", "captured_at": datetime.now(UTC)}
        out.produce(topics.detection_results.name, encode(detection_result(**about)), key="1")
        out.produce(topics.assessment_tasks.name, encode(assessment_task(**about)), key="1")
        out.produce(topics.risk_assessment_results.name, encode(risk_assessment(**about)), key="1")
    assert out.flush(30) == 0


def test_launching_where_nothing_listens_ends_in_time_with_a_line():
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "trafficmon_dagster.launch",
            f"http://127.0.0.1:{ports.any_free()}",
            "--timeout-s",
            "1",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 1
    assert "was not ready in time" in done.stderr
    assert len(done.stderr.splitlines()) == 1
