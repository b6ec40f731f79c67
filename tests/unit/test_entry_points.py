"""The guide's `python -m streaming.<stage>` is `trafficmon run <stage>`: one implementation."""

import runpy
import subprocess
import sys

import pytest

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


def ended(monkeypatch, module, *words):
    monkeypatch.setattr("sys.argv", [module, *words])
    with pytest.raises(SystemExit) as end:
        runpy.run_module(module, run_name="__main__", alter_sys=False)
    return end.value.code or 0


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_starts_by_its_module_as_by_the_command(monkeypatch, started, tmp_path, stage):
    monkeypatch.setenv("TRAFFICMON_CONFIG_DIR", str(tmp_path))

    assert ended(monkeypatch, f"streaming.{stage}", "--instance-id", f"{stage}-1") == 0
    assert ended(monkeypatch, "streaming.cli", "run", stage, "--instance-id", f"{stage}-1") == 0

    by_module, by_command = started
    assert by_module == by_command
    assert by_module[1] == f"{stage}-1"


def run(tmp_path, *words):
    environ = {
        "PATH": "",
        "TRAFFICMON_CONFIG_DIR": str(tmp_path),
        "TRAFFICMON_STATE_DIR": str(tmp_path),
    }
    return subprocess.run(
        [sys.executable, "-m", *words], env=environ, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [(["--no-such-option"], 2), (["extra"], 2), (["--instance-id", "a b"], 2), ([], 2)],
)
def test_an_error_is_the_same_line_and_the_same_exit_code(tmp_path, words, code):
    (tmp_path / "kafka.yaml").write_text("kafka: {bootstrap_servers: 7}\n")

    by_module = run(tmp_path, "streaming.tasks", *words)
    by_command = run(tmp_path, "streaming.cli", "run", "tasks", *words)

    assert by_module.returncode == by_command.returncode == code
    assert by_module.stderr == by_command.stderr != ""
