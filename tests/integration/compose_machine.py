"""A machine for the Compose files' commands: their names and ports, a root that is read-only.

A network namespace has all ports free and nobody else in it; /etc/hosts there says the services'
names. Only root may make one, as CI is.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import psutil

from tests.unit.deployment import compose
from tests.unit.deployment.named import DEPLOYMENT, ROOT

_SETUP = """
import fcntl, socket, struct, subprocess, sys
with socket.socket() as s:  # as `ip link set lo up`
    fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))
subprocess.run(["mount", "--bind", sys.argv[1], "/etc/hosts"], check=True)
print("ready", flush=True)
sys.stdin.read()
"""
_READ_ONLY = (
    "mount --bind /tmp /tmp && mount -o remount,bind,ro / "
    '&& exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all -- "$@"'
)


class Machine:
    """Runs programs in its namespaces; `services` are those of the Compose files that run."""

    def __init__(
        self, folder: Path, variables: dict[str, str], hosts: Mapping[str, str] | None = None
    ) -> None:
        self.folder, self.variables = folder, variables
        self._hosts = hosts or dict.fromkeys(compose.SERVICES, "127.0.0.1")
        self.services: dict[str, subprocess.Popen[bytes]] = {}
        self._servers: list[subprocess.Popen[bytes]] = []
        self._image = image_environment()

    def __enter__(self) -> Self:
        hosts = self.folder / "hosts"
        names = {"localhost": "127.0.0.1"} | dict(self._hosts)
        hosts.write_text("".join(f"{address} {name}\n" for name, address in names.items()))
        self._keeper = subprocess.Popen(
            ["unshare", "--net", "--mount", sys.executable, "-c", _SETUP, str(hosts)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._keeper.stdout
        assert self._keeper.stdout.readline() == "ready\n"
        return self

    def __exit__(self, *_: object) -> None:
        roots = [self._keeper, *self.services.values(), *self._servers]
        alive = [psutil.Process(p.pid) for p in roots if p.poll() is None]
        for process in [*(child for p in alive for child in p.children(recursive=True)), *alive]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        for process in roots:
            process.wait(30)

    def inside(self, *words: str | Path) -> list[str]:
        """The command that runs those words here."""
        return ["nsenter", "-t", str(self._keeper.pid), "--net", "--mount", *map(str, words)]

    def server(
        self, *words: str | Path, env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """One of those that others make: its log is in `folder`."""
        log = (self.folder / f"server-{len(self._servers)}.log").open("wb")
        started = subprocess.Popen(
            self.inside(*words), stdout=log, stderr=log, env=os.environ | (env or {})
        )
        self._servers.append(started)
        return started

    def ask(
        self, *words: str | Path, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run to its end."""
        return subprocess.run(
            self.inside(*words), capture_output=True, text=True, timeout=120, check=False,
            env=os.environ | (env or {}),
        )  # fmt: skip

    def start(self, name: str) -> None:
        """A service of ours by its own command and environment, unable to write but to its volume."""
        command = self._placed(compose.STREAMING_SERVICES[name]["command"])
        log = (self.folder / f"{name}.log").open("ab")
        self.services[name] = subprocess.Popen(
            self.inside("unshare", "--mount", "sh", "-c", _READ_ONLY, "sh", *command),
            stdout=log, stderr=log, env=self._environment(name), cwd=self._state,
        )  # fmt: skip

    def is_healthy(self, name: str) -> bool:
        """What Docker would say, by the service's health check or the image's."""
        check = compose.STREAMING_SERVICES[name].get("healthcheck", {}).get("test")
        words = check[1:] if check else image_health_check()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.ask(*self._placed(words), env=self._environment(name)).returncode == 0
        return False

    def stop(self, name: str, within_s: float = 180) -> int:
        """As `docker stop`; the exit code."""
        self.services[name].send_signal(signal.SIGTERM)
        return self.services[name].wait(within_s)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    @property
    def _state(self) -> Path:
        state = self.folder / "state"
        state.mkdir(exist_ok=True)
        return state

    def _environment(self, name: str) -> dict[str, str]:
        given = self._image | compose.environment(name, self.variables)
        placed = dict(zip(given, self._placed(list(given.values())), strict=True))
        path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
        return placed | {"PATH": path, "PYTHONPATH": str(ROOT), "HOME": str(self._state)}

    def _placed(self, words: Sequence[str]) -> list[str]:
        """The words with the image's folders replaced by ours."""
        places = {
            "/opt/trafficmon/share/workspace.yaml": DEPLOYMENT / "dagster/workspace.yaml",
            "/etc/trafficmon": ROOT / "config",
            "/var/lib/trafficmon": self._state,
            "/tmp/logs": self.folder / "logs",
        }
        placed = [str(word) for word in words]
        for place, ours in places.items():
            placed = [word.replace(place, str(ours)) for word in placed]
        return placed


def image_environment() -> dict[str, str]:
    """ENV of the image's last stage."""
    stage = (DEPLOYMENT / "Dockerfile").read_text().rpartition("\nFROM ")[2]
    block = re.search(r"^ENV ((?:.*\\\n)*.*)$", stage, re.MULTILINE)
    assert block
    return dict(pair.split("=", 1) for pair in block[1].replace("\\\n", " ").split())


def image_health_check() -> list[str]:
    """The words of the image's HEALTHCHECK."""
    found = re.search(
        r"^HEALTHCHECK .*\\\n\s+CMD (\[.*\])$",
        (DEPLOYMENT / "Dockerfile").read_text(),
        re.MULTILINE,
    )
    assert found
    words: list[str] = json.loads(found[1])
    return words
