"""What only some tests need, by name: `pytest.mark.needs("kcat")` on a test or a module.

Where it is missing the test is skipped and the summary names it; with CI=true it fails.
`python tests/needs.py` prints the Debian packages of what is missing here, for `.ci/run`.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SEARCHED = os.pathsep.join(
    [*map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"))), os.environ.get("PATH", "")]
)
"""PATH, and where Debian puts PostgreSQL's servers beside it."""
RELEASED = "975d393"
"""The commit of 0.1.0, which the tests run beside this version."""
SYSTEM_PYTHON = "/usr/bin/python3"
"""Sees Debian's Python packages, as GStreamer's are; ours does not."""


@dataclass(frozen=True)
class Need:
    """Whether it is here, and how to get it: Debian packages, else a command."""

    is_here: Callable[[], bool]
    packages: tuple[str, ...] = ()
    command: str = ""

    @property
    def advice(self) -> str:
        return self.command or f"apt-get install {' '.join(self.packages)}"


def program(name: str) -> str | None:
    """Where it is, among what is `SEARCHED`."""
    return shutil.which(name, path=SEARCHED)


def _program(name: str, *packages: str) -> Need:
    return Need(lambda: program(name) is not None, packages or (name,))


def _made(path: str, command: str) -> Need:
    return Need((ROOT / path).exists, command=command)


def _succeeds(*command: str) -> Callable[[], bool]:
    def is_here() -> bool:
        try:
            return not subprocess.run(
                command, cwd=ROOT, capture_output=True, timeout=60, check=False
            ).returncode
        except OSError:
            return False

    return is_here


RELEASED = "975d393"
"""What 0.1.0 was released from."""
_GSTREAMER = "import gi; gi.require_version('GstRtspServer', '1.0')"

NEEDS = {
    "amtool": _program("amtool", "prometheus-alertmanager"),
    "axe": _made(".axe/node_modules/axe-core/axe.min.js", "make axe"),
    "chromium": _program("chromium"),
    "curl": _program("curl"),
    "deployment": _made(".venv-deployment/.ready", "make deployment"),
    "flink": _made(".venv-flink/.ready", "make flink"),
    "git": Need(_succeeds("git", "rev-parse"), command="apt-get install git, and a clone"),
    "gstreamer": Need(
        _succeeds(SYSTEM_PYTHON, "-c", _GSTREAMER),
        (
            "python3-gi",
            "gir1.2-gst-rtsp-server-1.0",
            *(f"gstreamer1.0-plugins-{of}" for of in ("base", "good", "bad", "ugly")),
        ),
    ),
    "history": Need(
        _succeeds("git", "rev-parse", "--verify", f"{RELEASED}^{{commit}}"),
        command="git, and a clone with its history",
    ),
    "kcat": _program("kcat"),
    "kubectl": Need(lambda: program("kubectl") is not None, command="install kubectl"),
    "moto": _made(".venv-moto/.ready", "make moto"),
    "nginx": _program("nginx"),
    "npm": _program("npm"),
    "openssl": _program("openssl"),
    "own-network": Need(
        _succeeds("unshare", "--map-root-user", "--net", "true"),
        command="allow user namespaces: `unshare --map-root-user --net true`",
    ),
    "postgres": _program("initdb", "postgresql"),
    "prometheus": _program("prometheus"),
    "promtool": _program("promtool", "prometheus"),
    "recordings": Need(
        (ROOT.parent / "shared/data/car-detection.mp4").exists,
        command="put car-detection.mp4 and person-bicycle-car.gif into ../shared/data",
    ),
    "redis-sentinel": _program("redis-sentinel"),
    "redis-server": _program("redis-server"),
    "root": Need(lambda: os.geteuid() == 0, command="be root"),
    "schemathesis": _made(".venv-schemathesis/.ready", "make schemathesis"),
    "systemd-analyze": _program("systemd-analyze", "systemd"),
    "torch": Need(lambda: find_spec("ultralytics") is not None, command="make setup TORCH=cuda"),
}


@cache
def missing(name: str) -> str | None:
    """What to do about a need that is not here; None if it is."""
    need = NEEDS[name]
    return None if need.is_here() else need.advice


if __name__ == "__main__":
    for absent in (need for need in NEEDS.values() if need.packages and not need.is_here()):
        print("\n".join(absent.packages))  # noqa: T201
