"""docs/upgrade.md, command by command: ours are real, the machine's own are stood in for."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from streaming.embedded import ports
from streaming.lake import ask, opened
from streaming.lake.schema import ensure_schema
from streaming.settings import load
from tests.builders import skipped_groups
from tests.systemd_units import names
from tests.unit.lake.rows import bring

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "upgrade.md"
TOOLS = {
    "sudo": 'exec "$@"',
    "sleep": "",
    # Instead of a root of our own, and of seven gigabytes.
    "make": 'echo "make $*" >> "$LOG"; for w in "$@"; do case $w in PREFIX=*) mkdir -p "${w#PREFIX=}";; esac; done',
    "systemctl": 'echo "$*" >> "$LOG"',
    "trafficmon": f'exec "{sys.executable}" -m streaming.cli "$@"',
}


@pytest.fixture
def machine(tmp_path):
    """The environment of its shell: stand-ins first on PATH, settings, nothing of ours running."""
    for folder in ("bin", "config", "opt/trafficmon-0.1.0", "backups"):
        (tmp_path / folder).mkdir(parents=True)
    for name, text in TOOLS.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "config" / "serving.yaml").write_text("simulator: {latency_median_ms: 700}\n")
    return {
        "PATH": f"{tmp_path}/bin:/usr/bin:/bin",
        "LOG": f"{tmp_path}/log",
        "PYTHONPATH": str(ROOT),
        "TRAFFICMON_CONFIG_DIR": f"{tmp_path}/config",
        "TRAFFICMON_STATE_DIR": f"{tmp_path}/state",
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{ports.any_free()}",
        "TRAFFICMON_SERVING__API__PORT": str(ports.any_free()),
        "TRAFFICMON_SERVING__DAGSTER__PORT": str(ports.any_free()),
    }


def blocks(tmp_path: Path) -> list[str]:
    """The page's commands, with this machine's folders."""
    found = re.findall(
        r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    return [
        text.replace("/opt/", f"{tmp_path}/opt/").replace("/var/backups/", f"{tmp_path}/backups/")
        for text in found
    ]


def run(text: str, machine: dict[str, str], folder: Path) -> None:
    done = subprocess.run(
        ["bash", "-euxc", text],
        env=machine | {"HOME": str(folder), "LANG": os.environ.get("LANG", "C.UTF-8")},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def rows(settings) -> tuple:
    return ask(settings, "SELECT count(*) FROM skipped_groups").rows


def test_the_page_upgrades_and_goes_back(machine, tmp_path):
    config = tmp_path / "config"
    settings = load(config, machine)
    with opened(settings) as con:
        ensure_schema(con)
        bring(con, "skipped", skipped_groups())
    upgrade, back, back_with_the_lake, checkout = blocks(tmp_path)

    run(upgrade, machine, tmp_path)
    current = tmp_path / "opt" / "trafficmon"
    assert current.resolve() == tmp_path / "opt" / "trafficmon-0.2.0"
    run(back, machine, tmp_path)
    assert current.resolve() == tmp_path / "opt" / "trafficmon-0.1.0"

    (config / "serving.yaml").write_text("serving: {no_longer: 1}\n")
    with opened(settings) as con:
        bring(con, "skipped", skipped_groups(message_id="later"))
    run(back_with_the_lake, machine, tmp_path)
    assert rows(settings) == ((1,),)
    assert "latency_median_ms" in (config / "serving.yaml").read_text()
    run(checkout, machine, tmp_path)
    assert (tmp_path / "config.backup" / "serving.yaml").exists()
    assert rows(settings) == ((1,),)


def test_the_restarts_are_the_guides_in_its_order_and_of_units_that_exist(machine, tmp_path):
    upgrade, back, *_ = blocks(tmp_path)
    for block in (upgrade, back):
        restarts = re.findall(r"systemctl restart (.+)", block)
        assert restarts[:3] == ["llm-scheduler-1", "llm-scheduler-2", "detection-pipeline"]
        restarted = [f"{unit}.service" for line in restarts for unit in line.split()]
        assert sorted(restarted) == [name for name in names() if "@" not in name]


def test_the_targets_the_page_makes_are_there():
    made = set(re.findall(r"make ([a-z-]+)", PAGE.read_text(encoding="utf-8")))
    makefile = (ROOT / "Makefile").read_text()

    assert made == {"install", "install-systemd"}
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in made)
