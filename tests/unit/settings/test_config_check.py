"""`trafficmon config check` also looks for the cameras' files, which no daemon's start does."""

import pytest
from click.testing import CliRunner

from streaming.cli import trafficmon


@pytest.fixture
def check(monkeypatch, tmp_path):
    def run(cameras):
        monkeypatch.setenv("TRAFFICMON_CONFIG_DIR", str(tmp_path))
        monkeypatch.setenv("CAMERAS", cameras)
        return CliRunner().invoke(trafficmon, ["config", "check"])

    return run


def test_a_camera_file_that_is_not_there_is_a_problem(check, tmp_path):
    (tmp_path / "here.mp4").touch()
    done = check(f"{tmp_path}/here.mp4#once {tmp_path}/gone.mp4 0 synthetic://junction")
    assert done.exit_code == 1
    assert done.output.count("ConfigError") == 1
    assert "cameras[1].source: no file or folder" in done.output


def test_cameras_that_can_be_opened_later_are_none(check):
    done = check("rtsp://127.0.0.1:9/x 0 synthetic://junction")
    assert (done.exit_code, "3 cameras" in done.output) == (0, True)
