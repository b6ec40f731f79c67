"""The whole path is measured, its report adds up, faults are found, and nothing stays."""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from streaming.benchmark.pipeline.load import Load
from streaming.benchmark.pipeline.measure import result_of
from streaming.benchmark.pipeline.observe import Watching, observe
from streaming.benchmark.pipeline.stack import stack
from streaming.kafka.clients import consumer
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
QUICK = {
    "TRAFFICMON_SIMULATOR__LATENCY_MEDIAN_MS": "100",
    "TRAFFICMON_SCHEDULER__TASK_TIMEOUT_SECONDS": "3",
}
PATIENT = {"TRAFFICMON_SCHEDULER__TASK_TIMEOUT_SECONDS": "25"}
"""Where every task must succeed, however busy the machine is; nothing waits so long for one."""


def silent(*_):
    """Says nothing."""


def test_a_short_run_accounts_for_everything_and_leaves_nothing(tmp_path):
    report_file = tmp_path / "reports" / "pipeline.json"
    done = subprocess.run(
        [sys.executable, "scripts/benchmark.py", "--cameras", "3", "--duration", "8",
         "--warm-up", "1", "--interval", "0.6", "--report-file", str(report_file)],
        env=os.environ | QUICK | PATIENT | {"TMPDIR": str(tmp_path)},
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(report_file.read_text())
    (result,) = report["results"]
    assert report["settings"]["cameras"] == 3
    assert result["unaccounted"] == 0
    assert result["success_rate"] == 1.0
    assert result["http_429"] == 0
    assert result["lag_end"] == 0
    assert result["delivered_twice"] == 0
    assert result["frames"]["due_per_s"] == pytest.approx(5.0, rel=0.1)
    assert result["tasks"] == sum(result["ends_by_reason"].values()) > 0
    assert result["gate"]["groups"] > 0
    for name in ("end_to_end_ms", "provider_ms"):
        assert set(result[name]) == {"mean", "p50", "p95", "p99"}
    assert result["end_to_end_ms"]["mean"] == pytest.approx(
        sum(of["mean"] for name, of in result["stages_ms"].items() if name != "last_hop"), abs=1
    )
    assert {"detection", "tasks", "scheduling", "aggregation", "api", "redis", "simulator"} <= set(
        result["resources"]["processes"]
    )
    assert len(result["portions"]) == 10
    assert "## Findings" in report_file.with_suffix(".md").read_text()
    assert "data:image/png;base64," in report_file.with_suffix(".html").read_text()
    assert nothing_runs_of(tmp_path)


def nothing_runs_of(tmp_path):
    """No Kafka, Redis or daemon is left whose folder for temporary files was this one."""
    mark = f"TMPDIR={tmp_path}"
    return not [p for p in psutil.process_iter() if mark in environment(p) and p.is_running()]


def environment(process):
    try:
        return {f"{name}={value}" for name, value in process.environ().items()}
    except psutil.Error:
        return set()


@contextmanager
def a_member_that_does_nothing(kafka, group, topic):
    """Takes its part of the group's partitions, and reads none of their messages."""
    stop = threading.Event()

    def hold():
        member = consumer(kafka, group=group, instance_id="idle")
        member.subscribe([topic])
        while not stop.is_set():
            member.poll(0.2)
        member.close()

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_three_planted_faults_are_named(make_settings):
    """A wait of up to 1 s in a stage, partitions that nobody reads, and too narrow a limit.

    The wait is longer than the interval: of cameras that share a partition only the first
    message waits for all of it.
    """
    settings = make_settings(
        **QUICK,
        TRAFFICMON_KAFKA__PRODUCER__LINGER_MS="1000",
        TRAFFICMON_SCHEDULER__TASK_DEADLINE_S="4",
    )
    load = Load(cameras=3, interval_s=0.6, gate=False, keys=2, qps=1, rpm=60)
    with stack(settings, load, silent) as found:
        kafka, commands = found.settings.kafka, load.commands()
        watching = Watching(
            cameras=frozenset(command.camera_id for command in commands),
            added=commands,
            interval_s=load.interval_s,
            warm_up_s=2,
            duration_s=8,
            start_timeout_s=load.start_timeout_s,
        )
        topic = kafka.topics.assessment_tasks.name
        with a_member_that_does_nothing(kafka, "scheduling", topic):
            result = result_of(observe(found, watching, silent, silent), found.settings)
    said = "\n".join(result["findings"])
    assert "tasks takes" in said
    assert "does not read it, or another member of its group holds it" in said
    assert "assessment-tasks, partition" in said
    assert "the keys' limit is reached" in said
    assert result["tasks_without_end"] > 0


def test_an_interrupted_run_leaves_nothing(tmp_path):
    said = tmp_path / "said"
    with said.open("wb") as stderr:
        process = subprocess.Popen(
            [Path(sys.executable).with_name("trafficmon"), "bench", "pipeline", "--cameras", "1",
             "--duration", "600"],
            stderr=stderr, stdout=subprocess.DEVNULL, cwd=tmp_path,
            env=os.environ | QUICK | {"TMPDIR": str(tmp_path)},
        )  # fmt: skip
    eventually(lambda: "starting" in said.read_text() or process.poll(), timeout_s=120)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 130, said.read_text()
    assert len(children) >= 7
    eventually(lambda: not [child for child in children if child.is_running()])
    assert nothing_runs_of(tmp_path)
