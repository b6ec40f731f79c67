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
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
POSTGRES = tuple(str(place) for place in sorted(Path("/usr/lib/postgresql").glob("*/bin")))
"""Where Debian puts PostgreSQL's servers, which are not on PATH there."""
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


def where(program: str) -> str | None:
    """The program's path, also where Debian hides servers from PATH."""
    return shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), *POSTGRES]))


def _program(name: str, *packages: str) -> Need:
    return Need(lambda: where(name) is not None, packages or (name,))


def _made(path: str, command: str) -> Need:
    return Need((ROOT / path).exists, command=command)


def _gstreamer() -> bool:
    asked = "import gi; gi.require_version('GstRtspServer', '1.0')"
    try:
        done = subprocess.run(
            [SYSTEM_PYTHON, "-c", asked], capture_output=True, timeout=60, check=False
        )
    except OSError:
        return False
    return done.returncode == 0


def _git() -> bool:
    return where("git") is not None and (ROOT / ".git").exists()


NEEDS = {
    "axe": _made(".axe/node_modules/axe-core/axe.min.js", "make axe"),
    "chromium": _program("chromium"),
    "flink": _made(".venv-flink/.ready", "make flink"),
    "git": Need(_git, ("git",)),
    "gstreamer": Need(
        _gstreamer,
        (
            "python3-gi",
            "gir1.2-gst-rtsp-server-1.0",
            *(f"gstreamer1.0-plugins-{of}" for of in ("base", "good", "bad", "ugly")),
        ),
    ),
    "kcat": _program("kcat"),
    "moto": _made(".venv-moto/.ready", "make moto"),
    "npm": _program("npm"),
    "postgres": _program("initdb", "postgresql"),
    "recordings": Need(
        (ROOT.parent / "shared/data/car-detection.mp4").exists,
        command="put car-detection.mp4 and person-bicycle-car.gif into ../shared/data",
    ),
    "redis-server": _program("redis-server"),
    "schemathesis": _made(".venv-schemathesis/.ready", "make schemathesis"),
}


@cache
def missing(name: str) -> str | None:
    """What to do about a need that is not here; None if it is."""
    need = NEEDS[name]
    return None if need.is_here() else need.advice


if __name__ == "__main__":
    for absent in (need for need in NEEDS.values() if need.packages and not need.is_here()):
        print("\n".join(absent.packages))  # noqa: T201
