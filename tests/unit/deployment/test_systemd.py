"""deployment/systemd: what its units say exists in the code, and systemd takes them."""

import re
import socket
import subprocess
from pathlib import Path

import pytest

from streaming import lifecycle
from streaming.cli import run
from streaming.settings import load
from streaming.settings.sources import CONFIG_DIR, NAMED_VARIABLES
from streaming.supervision import programs
from tests.systemd_units import FOLDER, PROGRAM, Unit, names

SERVICES = names()
MOST_EXPOSURE = 2.5
NOT_OURS = {"HOME", "PYTHONUNBUFFERED"}


def service(name: str) -> Unit:
    return Unit(f"{name}.service")


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_unit_starts_is_a_command_with_its_options(name):
    program, command, *words = Unit(name).command

    assert (program, command) == (PROGRAM, "run")
    assert run.make_context("run", words).params["daemon"]


@pytest.mark.parametrize("name", SERVICES)
def test_the_variables_of_a_unit_are_settings(name):
    ours = Unit(name).environment.keys() - NOT_OURS

    assert ours == {
        CONFIG_DIR,
        *(v for v, place in NAMED_VARIABLES.items() if len(place) == 1),
    }


def test_the_command_for_the_administrator_has_the_units_folders():
    script = (FOLDER / "trafficmon.sh").read_text()
    variables = dict(re.findall(r"^([A-Z_]+)=(\S+)$", script, re.MULTILINE))

    assert variables.items() <= service("trafficmon-api").environment.items()
    assert set(variables) >= {CONFIG_DIR, "TRAFFICMON_STATE_DIR"}
    assert f"-- {PROGRAM} " in script


def test_the_example_of_secrets_holds_settings(tmp_path):
    lines = (FOLDER / "secrets.env").read_text().splitlines()
    example = dict(
        line.lstrip("#").split("=", 1) for line in lines if "=" in line[1:].split(" ")[0]
    )
    example = {name: value or "a-long-token" for name, value in example.items()}

    settings = load(tmp_path, example)

    assert len(settings.api_keys) == 2
    assert settings.serving.token


def test_a_scheduler_has_the_guides_id_by_either_name():
    first, second, third = (
        Unit(n).command[-1]
        for n in ("llm-scheduler-1.service", "llm-scheduler-2.service", "llm-scheduler@3.service")
    )

    assert (first, second, third) == ("scheduler-1", "scheduler-2", "scheduler-3")


def test_the_schedulers_differ_in_nothing_but_their_number():
    first = (FOLDER / "llm-scheduler-1.service").read_text()
    template = Unit("llm-scheduler@1.service")

    assert first == (FOLDER / "llm-scheduler-2.service").read_text()
    assert template.command == service("llm-scheduler-1").command
    assert template.all("Service.TimeoutStopSec") == ["120"]


def test_the_target_wants_every_service_but_the_template():
    target = Unit("trafficmon.target")
    wanted = {word for line in target.all("Unit.Wants") for word in line.split()}

    assert wanted == {n for n in SERVICES if "@" not in n}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_ends_with_the_target_and_always_comes_back(name):
    unit = Unit(name)

    assert unit.one("Unit.PartOf") == "trafficmon.target"
    assert unit.one("Unit.StartLimitIntervalSec") == "0"
    assert unit.one("Service.Restart") == "always"


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_the_time_to_drain(name):
    unit = Unit(name)
    waits_s = {p.name: p.stop_wait_s for p in programs(load(environ={}))}
    daemon = unit.command[2].partition("-")[0]

    assert float(unit.one("Service.TimeoutStopSec")) >= waits_s[daemon]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scratch root with everything installed, for a program that is there."""
    folder = tmp_path_factory.mktemp("root")
    program = folder / "program" / "bin" / "trafficmon"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    install(folder)
    return folder


def install(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [FOLDER / "install.sh"],
        env={"PATH": "/usr/bin:/bin", "DESTDIR": str(root), "PREFIX": str(root / "program")},
        capture_output=True,
        text=True,
        check=True,
    )


def analyze(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    # The trailing colon: our folder first, then systemd's own.
    environ = {"PATH": "/usr/bin:/bin", "SYSTEMD_UNIT_PATH": f"{root}/etc/systemd/system:"}
    return subprocess.run(
        ["systemd-analyze", *words], env=environ, capture_output=True, text=True, check=False
    )


@pytest.mark.needs("systemd-analyze")
def test_systemd_finds_nothing_wrong_with_the_installed_units(root):
    done = analyze(root, "verify", "--man=no", *SERVICES, "trafficmon.target")

    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.needs("systemd-analyze")
@pytest.mark.parametrize("name", SERVICES)
def test_the_exposure_is_small(root, name):
    done = analyze(root, "security", "--offline=true", "--no-pager", name)

    found = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, done.stderr
    assert float(found[1]) <= MOST_EXPOSURE


def test_installing_again_keeps_the_settings_that_are_there(tmp_path):
    install(tmp_path)
    keys = tmp_path / "etc" / "trafficmon" / "api_keys.yaml"
    keys.write_text("api_keys: []\n")

    install(tmp_path)

    assert keys.read_text() == "api_keys: []\n"
    assert (keys.parent / "secrets.env").stat().st_mode & 0o777 == 0o600
    assert keys.parent.stat().st_mode & 0o777 == 0o750


def test_the_installed_files_name_the_program_that_was_asked_for(root):
    files = [*(root / "etc/systemd/system").rglob("*"), root / "usr/local/bin/trafficmon"]
    texts = [file.read_text() for file in files if file.is_file()]

    assert not [text for text in texts if PROGRAM in text]
    assert sum(f"{root}/program/bin/trafficmon" in text for text in texts) == len(SERVICES) + 1


@pytest.mark.parametrize("abstract", [False, True])
def test_a_daemon_says_once_that_it_works(monkeypatch, tmp_path, abstract):
    address = f"@{tmp_path.name}-door" if abstract else str(tmp_path / "door")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
        door.bind(address.replace("@", "\0"))
        door.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", address)

        lifecycle.working()

        assert door.recv(100) == b"READY=1"


def test_nobody_who_listens_is_no_error(monkeypatch, tmp_path, caplog):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    lifecycle.working()
    assert not caplog.records

    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    lifecycle.working()
    assert "NOTIFY_SOCKET" in caplog.text
