"""`trafficmon demo` as a newcomer runs it, with every daemon killed once while it runs."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import psutil
import pytest

from streaming import supervision
from streaming.embedded import ports
from streaming.errors import ServiceError
from streaming.settings import load
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
DAEMONS = ("detection", "tasks", "scheduling", "aggregation", "api", "simulator", "redis", "kafka")


@pytest.fixture
def environment(tmp_path):
    """A demo of its own: its state, its ports, nothing configured."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith(("TRAFFICMON_", "DASHSCOPE_"))}
    return ours | {
        "TRAFFICMON_STATE_DIR": str(tmp_path / "state"),
        "TRAFFICMON_LOGS_DIR": str(tmp_path / "logs"),
        "TRAFFICMON_REPORTS_DIR": str(tmp_path / "reports"),
        "TRAFFICMON_SERVING__API__PORT": str(ports.any_free()),
        "TRAFFICMON_SERVING__DAGSTER__PORT": str(ports.any_free()),
        "TRAFFICMON_SIMULATOR__PORT": str(ports.any_free()),
    }


def trafficmon(environment, *arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "streaming.cli", *arguments],
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        **options,
    )


def pids(settings) -> dict[str, int | None]:
    """What runs of the demo, as its supervisor says."""
    try:
        found = supervision.status(settings)
    except ServiceError:  # it is starting, or restarting
        return {}
    return {program.name: program.pid for program in found if program.state == "RUNNING"}


def status_says_running(environment) -> set[str]:
    """The same as `trafficmon status` tells it."""
    with trafficmon(environment, "status", "--format", "json") as status:
        out, _ = status.communicate(timeout=60)
    return {row["name"] for row in json.loads(out) if row["state"] == "RUNNING"}


def asked(environment, path):
    """What the API answers, None while it does not."""
    port = environment["TRAFFICMON_SERVING__API__PORT"]
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return json.load(answer)["data"]
    except OSError:
        return None


def every_camera_was_seen_and_a_verdict_asked_for(environment) -> bool:
    stats = asked(environment, "/api/scheduler/stats")
    latest = [asked(environment, f"/api/cameras/{n}/latest") for n in range(1, 5)]
    return bool(stats and stats["total_calls"]) and all(
        found and found["frame"] for found in latest
    )


def test_the_summary_balances_although_every_daemon_was_killed_once(environment, tmp_path):
    settings = load(environ=environment)
    demo = trafficmon(environment, "demo")
    try:
        eventually(lambda: pids(settings).keys() >= set(DAEMONS), timeout_s=300, poll_s=0.5)
        assert status_says_running(environment) >= set(DAEMONS)
        for name in DAEMONS:
            killed = pids(settings)[name]
            os.kill(killed, signal.SIGKILL)
            eventually(
                lambda name=name, killed=killed: pids(settings).get(name) not in {None, 0, killed},
                poll_s=0.5,
            )
        eventually(
            lambda: every_camera_was_seen_and_a_verdict_asked_for(environment), 300, poll_s=0.5
        )
        demo.send_signal(signal.SIGINT)
        out, _ = demo.communicate(timeout=300)
    finally:
        if demo.poll() is None:
            os.killpg(demo.pid, signal.SIGKILL)
            trafficmon(environment, "down").communicate(timeout=120)

    summary = json.loads((tmp_path / "reports" / "demo.json").read_text())
    assert demo.returncode == 0, out[-3000:]
    assert summary["unaccounted"] == 0
    assert summary["groups"] == summary["tasks"] + summary["skipped"]
    assert summary["tasks"] == summary["assessed"] + summary["expired"] + summary["failed"]
    assert len(summary["cameras"]) == 4
    assert all(camera["frames"] > 0 for camera in summary["cameras"].values())
    assert nothing_runs(tmp_path / "state")


def nothing_runs(state_dir: Path) -> bool:
    """No process is left that was started for this state directory."""
    marker = str(state_dir)
    for process in psutil.process_iter():
        try:
            if process.environ().get("TRAFFICMON_STATE_DIR") == marker:
                return False
        except psutil.Error:
            continue
    return True


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("TRAFFICMON_DETECTION__INTERVAL_S", "-1", "interval_s"),
        ("TRAFFICMON_SCHEDULER__TIMEOUT_SECONDS", "soon", "timeout_seconds"),
        ("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1", "kafka.bootstrap_servers"),
        ("REDIS_URL", "redis://127.0.0.1:1/0", "redis.url"),
    ],
)
def test_a_wrong_setting_ends_the_demo_with_one_line_that_names_it(
    environment, setting, value, expected
):
    demo = trafficmon(
        environment | {setting: value, "TRAFFICMON_KAFKA__CONNECT_TIMEOUT_S": "3"},
        "demo",
        "--duration",
        "10",
    )
    out, _ = demo.communicate(timeout=180)
    assert demo.returncode not in {0, None}
    assert expected in out
    assert "Traceback" not in out
