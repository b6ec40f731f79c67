"""Unit files as a test reads them, and a service started and stopped as systemd would.

Only what our units use: `Type=notify`, `ExecStart`, `KillSignal`, the drop-ins by name and prefix.
"""

import contextlib
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import yaml

from streaming.settings import Settings
from tests.provider_simulator import RunningSimulator
from tests.waiting import eventually

FOLDER = Path(__file__).parents[1] / "deployment" / "systemd"
PROGRAM = "/opt/trafficmon/bin/trafficmon"
CAMERAS = ({"id": "busy", "source": "synthetic://junction", "interval_s": 0.5},)


def names() -> list[str]:
    """Every service; of the template, the instance 3."""
    return sorted(p.name.replace("@.", "@3.") for p in FOLDER.glob("*.service"))


class Unit:
    """All settings of a unit and its drop-ins: section.key to its values, in order."""

    def __init__(self, name: str, folder: Path = FOLDER) -> None:
        self.name = name
        self._values: dict[str, list[str]] = defaultdict(list)
        stem, kind = name.rsplit(".", 1)
        stem = re.sub(r"@.*", "@", stem)
        self._read(folder / f"{stem}.{kind}")
        drop_ins = {
            file.name: file
            for place in (*_prefixes(stem), stem)
            for file in (folder / f"{place}.{kind}.d").glob("*.conf")
        }
        for _, file in sorted(drop_ins.items()):
            self._read(file)

    def all(self, key: str) -> list[str]:
        """Every value of `Section.Key`."""
        return self._values[key]

    def one(self, key: str) -> str:
        """The last value of `Section.Key`."""
        return self._values[key][-1]

    @property
    def command(self) -> list[str]:
        """The words of ExecStart."""
        return shlex.split(self._expanded(self.one("Service.ExecStart")))

    @property
    def environment(self) -> dict[str, str]:
        """What Environment= sets."""
        words = [word for line in self.all("Service.Environment") for word in shlex.split(line)]
        return dict(self._expanded(word).split("=", 1) for word in words)

    def _read(self, file: Path) -> None:
        section = ""
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.startswith("["):
                section = line.strip("[]")
            elif line and not line.startswith("#"):
                key, _, value = line.partition("=")
                self._values[f"{section}.{key}"] += [value]

    def _expanded(self, text: str) -> str:
        name = self.name.rsplit(".", 1)[0]
        places = {"E": "/etc", "S": "/var/lib", "L": "/var/log", "C": "/var/cache"}
        places["i"] = name.partition("@")[2]
        places["j"] = name.rpartition("-")[2]
        return re.sub(r"%([A-Za-z])", lambda found: places[found[1]], text)


def _prefixes(stem: str) -> list[str]:
    """Of a-b-c: a- and a-b-, whose drop-ins hold for it too."""
    words = stem.split("-")
    return [f"{'-'.join(words[:n])}-" for n in range(1, len(words))]


def _received(door: socket.socket) -> bytes:
    try:
        return door.recv(100)
    except BlockingIOError:
        return b""


class Service:
    """A unit of Type=notify, started and stopped by its own lines."""

    def __init__(
        self, name: str, environ: Mapping[str, str], folder: Path, code: Path | None = None
    ) -> None:
        self._unit = Unit(name)
        self._code = code
        self._environ = environ
        self._log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.working = False

    def start(self) -> None:
        """Return when it says that it works; other `code` than ours may say nothing."""
        program, *words = self._unit.command
        assert program == PROGRAM
        command = [sys.executable, "-m", "streaming.cli", *words]
        # An abstract address: a path under pytest's folders may be too long for a socket.
        address = f"trafficmon-test-{os.getpid()}-{self._unit.name}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
            door.bind(f"\0{address}")
            door.setblocking(False)
            with self._log.open("ab") as log:
                environ = os.environ | dict(self._environ) | {"NOTIFY_SOCKET": f"@{address}"}
                if self._code is not None:
                    environ["PYTHONPATH"] = str(self._code)
                    environ.pop("NOTIFY_SOCKET")
                self._process = subprocess.Popen(
                    command, env=environ, cwd=self._code, stdout=log, stderr=log
                )
            said = self._code is not None or eventually(
                lambda: _received(door) or self._ended(),
                float(self._unit.one("Service.TimeoutStartSec")),
            )
        assert said in {True, b"READY=1"}, self._log.read_text()[-2_000:]
        self.working = True

    def stop(self) -> None:
        """Drain it; what is not done within TimeoutStopSec is a failure."""
        assert self._process is not None
        self.working = False
        self._process.send_signal(signal.Signals[self._unit.one("Service.KillSignal")])
        code = self._process.wait(float(self._unit.one("Service.TimeoutStopSec")))
        assert code == 0, self._log.read_text()[-2_000:]

    def restart(self) -> None:
        """As `systemctl restart`: it is stopped before it is started."""
        self.stop()
        self.start()

    def _ended(self) -> str:
        assert self._process is not None
        code = self._process.poll()
        return "" if code is None else f"ended with {code}"

    def kill(self) -> None:
        """The end of a test."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            self._process.wait(10)


def environment(settings: Settings, provider: RunningSimulator, folder: Path) -> dict[str, str]:
    """What the units' files and variables would say: these topics, this provider, one camera."""
    folder.mkdir()
    kafka = settings.kafka
    topics = {f: {"name": t.name, "partitions": t.partitions} for f, t in kafka.topics}
    consumer = {"group_id_prefix": kafka.consumer.group_id_prefix}
    keys = [
        {"id": k.id, "key": k.secret, "qps_limit": k.qps, "rpm_limit": k.rpm} for k in provider.keys
    ]
    for name, content in (
        ("kafka.yaml", {"kafka": {"topics": topics, "consumer": consumer}}),
        ("api_keys.yaml", {"api_keys": keys, "provider": {"base_url": provider.base_url}}),
        ("cameras.yaml", {"cameras": list(CAMERAS)}),
    ):
        (folder / name).write_text(yaml.safe_dump(content))
    return {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "REDIS_URL": str(settings.redis.url),
        "TRAFFICMON_CONFIG_DIR": str(folder),
        "TRAFFICMON_STATE_DIR": str(settings.state_dir),
        "TRAFFICMON_LOGS_DIR": str(settings.logs_dir),
        # Other tests' daemons may have the usual ones; each takes the next that is free.
        "TRAFFICMON_SERVING__METRICS__PORT": str(20_000 + os.getpid() % 20_000),
    }
