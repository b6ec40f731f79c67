"""A real Kafka for the tests of one pytest session, and a real Redis for each of its workers.

Each is started by the first test that wants it and ended with the session. If pytest is
killed, the next session ends what it left.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import psutil

from streaming.embedded import kafka, ports, redis
from streaming.file_lock import file_lock

FOLDER = "TRAFFICMON_TEST_SERVERS"
DATABASES = 1_024
_REDIS = f"redis-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
_PREFIX = "trafficmon-tests-"
_START_TIMEOUT_S = 240.0
_END_TIMEOUT_S = 15.0


def open_folder() -> None:
    """Called once, by the session's main process, before workers start."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        owner = folder.name.removeprefix(_PREFIX).split("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            _end_servers(folder)
    os.environ[FOLDER] = tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-")


def close_folder() -> None:
    """Ends every server, whatever the tests did."""
    folder = os.environ.pop(FOLDER, None)
    if folder:
        _end_servers(Path(folder))


def kafka_address() -> str:
    """host:port of the session's broker."""

    def command(home: Path, port: int) -> list[str]:
        java, *words = kafka.prepare(home, port, print)
        # Compiles less thoroughly: starts with a third less work, and throughput is no matter.
        return [java, "-XX:TieredStopAtLevel=1", *words]

    return f"{ports.LOOPBACK}:{_port_of('kafka', command)}"


def redis_address() -> str:
    """host:port of this worker's Redis: what is published there reaches every database."""

    def command(home: Path, port: int) -> list[str]:
        return redis.prepare(home, port, databases=DATABASES)

    return f"{ports.LOOPBACK}:{_port_of(_REDIS, command)}"


def _port_of(name: str, command: Callable[[Path, int], list[str]]) -> int:
    folder = Path(os.environ[FOLDER])
    note = folder / f"{name}.json"
    with file_lock(folder / f"{name}.lock", timeout_s=_START_TIMEOUT_S, doing=f"starting {name}"):
        if note.exists():
            return int(json.loads(note.read_text())["port"])
        home, port = folder / name, ports.any_free()
        words = command(home, port)
        with (folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True)
        note.write_text(json.dumps({"port": port, "pid": process.pid}))
    return port


def _end_servers(folder: Path) -> None:
    processes = []
    for note in folder.glob("*.json"):
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(int(json.loads(note.read_text())["pid"]))
            # Not somebody else's process that has got the number since.
            if any(str(folder) in word for word in process.cmdline()):
                process.send_signal(signal.SIGKILL)
                processes.append(process)
    psutil.wait_procs(processes, timeout=_END_TIMEOUT_S)
    shutil.rmtree(folder, ignore_errors=True)
