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
from typing import Any

import psutil

from streaming.embedded import kafka, ports, redis
from streaming.file_lock import file_lock
from tests import secured_kafka

FOLDER = "TRAFFICMON_TEST_SERVERS"
DATABASES = 1_024
_REDIS = f"redis-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
_PREFIX = "trafficmon-tests-"
_START_TIMEOUT_S = 240.0
_END_TIMEOUT_S = 15.0

Prepared = tuple[list[str], dict[str, object]]
"""The command that is the server, and what its address is made of."""


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

    def prepare(home: Path) -> Prepared:
        port = ports.any_free()
        java, *words = kafka.prepare(home, port, print)
        # Compiles less thoroughly: starts with a third less work, and throughput is no matter.
        return [java, "-XX:TieredStopAtLevel=1", *words], {"port": port}

    return f"{ports.LOOPBACK}:{_started('kafka', prepare)['port']}"


def redis_address() -> str:
    """host:port of this worker's Redis: what is published there reaches every database."""

    def prepare(home: Path) -> Prepared:
        port = ports.any_free()
        return redis.prepare(home, port, databases=DATABASES), {"port": port}

    return f"{ports.LOOPBACK}:{_started(_REDIS, prepare)['port']}"


def secured_broker() -> secured_kafka.SecuredKafka:
    """The session's broker that asks for passwords."""
    return secured_kafka.of(_started("secured-kafka", secured_kafka.prepared))


def _started(name: str, prepare: Callable[[Path], Prepared]) -> dict[str, Any]:
    folder = Path(os.environ[FOLDER])
    note = folder / f"{name}.json"
    with file_lock(folder / f"{name}.lock", timeout_s=_START_TIMEOUT_S, doing=f"starting {name}"):
        if not note.exists():
            words, told = prepare(folder / name)
            with (folder / f"{name}.log").open("wb") as log:
                process = subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True)
            note.write_text(json.dumps(told | {"pid": process.pid}))
        found: dict[str, Any] = json.loads(note.read_text())
    return found


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
