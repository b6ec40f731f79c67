"""What a release is: a wheel that runs in an empty environment, from an empty folder."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from streaming.embedded import ports
from streaming.version import VERSION

pytestmark = pytest.mark.needs("git")

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.needs("git")
UV = (sys.executable, "-m", "uv")
TIMEOUT_S = 600


def run(*command, cwd, env=None, timeout_s=TIMEOUT_S):
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def tracked():
    """What a clone has: nothing that somebody left in the folder gets into the wheel."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "streaming", "trafficmon_dagster"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tracked, tmp_path_factory):
    source = tmp_path_factory.mktemp("source")
    for name in (*tracked, "pyproject.toml", "README.md", "LICENSE"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        os.link(ROOT / name, source / name)
    built = source / "dist"
    run(*UV, "build", "--wheel", "--no-build-isolation", "--python", sys.executable,
        "--out-dir", built, cwd=source)  # fmt: skip
    (found,) = built.glob("*.whl")
    return found


def test_the_wheel_holds_every_file_of_the_packages(wheel, tracked):
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    assert wheel.name.startswith(f"trafficmon-{VERSION}-")
    assert not set(tracked) - inside


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The trafficmon command of an environment with the wheel and what it needs, no more."""
    environment = tmp_path_factory.mktemp("environment") / "venv"
    run(*UV, "venv", "--python", sys.executable, environment, cwd=wheel.parent)
    # From uv's cache, where this environment came from, as far as it is there.
    run(*UV, "pip", "install", "--python", environment, "--constraint", ROOT / "requirements.lock",
        wheel, cwd=wheel.parent)  # fmt: skip
    return environment / "bin" / "trafficmon"


def test_the_demo_runs_from_an_empty_folder(installed, tmp_path):
    assert not list((installed.parents[1] / "lib").glob("python*/site-packages/torch"))
    empty = tmp_path / "empty"
    empty.mkdir()
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TRAFFICMON_", "DASHSCOPE_", "PYTHON", "VIRTUAL_ENV"))
        and name not in {"CAMERAS", "KAFKA_BOOTSTRAP_SERVERS", "REDIS_URL"}
    }
    with ports.Reservations() as reserved:
        for setting in ("SERVING__API", "SERVING__DAGSTER", "SIMULATOR"):
            ours[f"TRAFFICMON_{setting}__PORT"] = str(reserved.next_free(ports.any_free()))
    try:
        assert VERSION in run(installed, "--version", cwd=empty, env=ours)
        out = run(installed, "demo", "--duration", "20", cwd=empty, env=ours)
    finally:
        subprocess.run([str(installed), "down"], cwd=empty, env=ours, timeout=120, check=False)
    assert "Written: config/" in out
    assert "First verdict" in out
    assert "Everything is accounted for" in out
    summary = json.loads((empty / "reports" / "demo.json").read_text())
    assert set(summary["cameras"]) <= {"1", "2", "3", "4"}
    assert summary["assessed"] > 0
