"""The guide's `python -m streaming.<stage>` is `trafficmon run <stage>`: one implementation."""

import runpy
import subprocess
import sys

import pytest

from streaming.cli import main

STAGES = ("detection", "tasks", "scheduling", "aggregation", "api")


@pytest.fixture
def started(monkeypatch):
    """What each daemon was started with, without starting it."""
    calls = []
    for module in (
        "streaming.detection.worker", "streaming.tasks.worker", "streaming.scheduling.worker",
        "streaming.aggregation.worker", "streaming.api.app",
    ):  # fmt: skip
        monkeypatch.setattr(
            f"{module}.run",
            lambda _settings, instance, module=module: calls.append((module, instance)),
        )
    monkeypatch.setattr("streaming.logs.configure", lambda **_: None)
    return calls


def by_module(monkeypatch, stage, *words):
    monkeypatch.setattr("sys.argv", ["__main__.py", *words])
    with pytest.raises(SystemExit) as end:
        runpy.run_module(f"streaming.{stage}", run_name="__main__")
    return end.value.code or 0


def by_command(monkeypatch, stage, *words):
    monkeypatch.setattr("sys.argv", ["trafficmon", "run", stage, *words])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code or 0


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_starts_by_its_module_as_by_the_command(monkeypatch, started, tmp_path, stage):
    monkeypatch.setenv("TRAFFICMON_CONFIG_DIR", str(tmp_path))

    assert by_module(monkeypatch, stage, "--instance-id", f"{stage}-1") == 0
    assert by_command(monkeypatch, stage, "--instance-id", f"{stage}-1") == 0

    first, second = started
    assert first == second
    assert first[1] == f"{stage}-1"


def run(tmp_path, *words):
    folder = str(tmp_path)
    environ = {"TRAFFICMON_CONFIG_DIR": folder, "TRAFFICMON_STATE_DIR": folder}
    return subprocess.run(
        [sys.executable, "-m", *words], env=environ, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--no-such-option"], "No such option"),
        (["extra"], "unexpected extra argument"),
        (["--instance-id", "a b"], "letters, digits, dot, _ and -"),
        ([], "kafka.bootstrap_servers must be"),
    ],
)
def test_an_error_is_the_same_line_and_the_same_exit_code(tmp_path, words, said):
    (tmp_path / "kafka.yaml").write_text("kafka: {bootstrap_servers: 7}\n")

    first = run(tmp_path, "streaming.tasks", *words)
    second = run(tmp_path, "streaming.cli", "run", "tasks", *words)

    assert first.returncode == second.returncode == 2
    assert first.stderr == second.stderr
    assert said in first.stderr
