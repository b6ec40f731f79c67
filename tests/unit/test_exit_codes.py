"""What the process ends with, by the entry point itself: scripts and CI go by it."""

import platform

import pytest

from streaming.cli import main


@pytest.mark.parametrize(
    ("arguments", "cameras", "code"),
    [
        (["config", "check"], "synthetic://junction", 0),
        (["config", "check"], "gone.mp4", 1),
        (["--help"], "", 0),
        (["config", "check", "--no-such-option"], "", 2),
        (["no-such-command"], "", 2),
    ],
)
def test_the_exit_code_says_how_it_ended(monkeypatch, tmp_path, arguments, cameras, code):
    monkeypatch.setenv("TRAFFICMON_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("CAMERAS", cameras)
    monkeypatch.setattr("sys.argv", ["trafficmon", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert (ended.value.code or 0) == code


@pytest.mark.parametrize(
    ("given", "variable", "instance"),
    [
        ([], None, "1"),
        ([], "seven", "seven"),
        (["--instance-id", "two"], "seven", "two"),
        ([], "hostname", platform.node()),
    ],
)
def test_an_instance_has_an_option_a_variable_or_its_machine_for_a_name(
    monkeypatch, tmp_path, given, variable, instance
):
    started = []
    monkeypatch.setattr("streaming.simulator.provider.run", lambda _, name: started.append(name))
    monkeypatch.setattr("streaming.logs.configure", lambda **_: None)
    monkeypatch.setenv("TRAFFICMON_CONFIG_DIR", str(tmp_path))
    if variable:
        monkeypatch.setenv("TRAFFICMON_INSTANCE_ID", variable)
    monkeypatch.setattr("sys.argv", ["trafficmon", "run", "simulator", *given])
    with pytest.raises(SystemExit):
        main()
    assert started == [instance]
