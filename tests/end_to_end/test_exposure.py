"""With `serving.host: 0.0.0.0` the API is open to others, and no other socket of the whole stack."""

import os
import socket
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest

from streaming.embedded.ports import any_free
from streaming.settings import Settings
from streaming.supervision import daemon, orphans
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
PORTS = (
    "SERVING__API__PORT", "SERVING__DAGSTER__PORT", "SERVING__METRICS__PORT", "SIMULATOR__PORT",
)  # fmt: skip
LOOPBACK = {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


@pytest.fixture(scope="module")
def state_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("exposure") / "state"


@pytest.fixture(scope="module")
def environment(state_dir):
    ours = {k: v for k, v in os.environ.items() if not k.startswith(("TRAFFICMON_", "DASHSCOPE_"))}
    folders = {
        "STATE": state_dir,
        "LOGS": state_dir.parent / "logs",
        "REPORTS": state_dir.parent / "r",
    }
    return (
        ours
        | {f"TRAFFICMON_{name}": str(any_free()) for name in PORTS}
        | {f"TRAFFICMON_{name}_DIR": str(folder) for name, folder in folders.items()}
        | {
            "TRAFFICMON_SERVING__HOST": "0.0.0.0",
            "TRAFFICMON_SERVING__TOKEN": "a-long-enough-token",
            "CAMERAS": "synthetic://junction?seed=1",
        }
    )


def trafficmon(environment, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "streaming.cli", *arguments],
        cwd=ROOT, env=environment, text=True, timeout=600, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


@pytest.fixture(scope="module")
def said(environment):
    """The whole stack runs; what `up` said."""
    try:
        up = trafficmon(environment, "up", "--timeout", "500")
        assert up.returncode == 0, up.stdout
        yield up.stdout
    finally:
        trafficmon(environment, "down")


def sockets(state_dir: Path) -> set[tuple[str, str, int]]:
    """(program, address, port) of every TCP socket that listens, and UDP socket that is open."""
    found = set()
    for process in orphans.find(state_dir):
        try:
            name, open_ = process.name(), process.net_connections(kind="inet")
        except psutil.Error:
            continue
        for c in open_:
            if c.laddr and (c.status == psutil.CONN_LISTEN or c.type == socket.SOCK_DGRAM):
                found.add((name, c.laddr.ip, c.laddr.port))
    return found


def answers(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def test_only_the_api_is_open_to_others(said, environment, state_dir):
    api, dagster, metrics, simulator = (int(environment[f"TRAFFICMON_{name}"]) for name in PORTS)
    for port in (api, dagster, simulator, *range(metrics, metrics + 4)):
        eventually(lambda port=port: answers(port), 300)

    found = sockets(state_dir)
    open_to_others = {(ip, port) for _, ip, port in found if ip not in LOOPBACK}
    assert open_to_others == {("0.0.0.0", api)}, found
    listening = {port for _, _, port in found}
    assert {api, dagster, simulator, *range(metrics, metrics + 4)} <= listening
    assert len(listening) >= 10  # with Kafka's two and Redis's

    assert f"http://127.0.0.1:{dagster}/  has no login; only this machine reaches it" in said


def test_what_listens_by_a_file_is_this_users_alone(said, state_dir):
    found = {
        Path(c.laddr)
        for process in orphans.find(state_dir)
        for c in process.net_connections(kind="unix")
        if c.laddr and Path(c.laddr).is_socket()
    }
    found |= {daemon.layout(Settings(state_dir=state_dir)).socket}
    writable = stat.S_IWOTH | stat.S_IWGRP
    assert not [path for path in found if path.stat().st_mode & writable]
