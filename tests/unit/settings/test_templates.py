"""config/ for a folder that has none, and that it is what a clone has."""

import subprocess
from pathlib import Path

import pytest

from streaming.settings import load, templates

ROOT = Path(__file__).parents[3]


def test_an_empty_folder_gets_settings_that_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert templates.provide({}) == Path("config")
    assert [camera.id for camera in load(environ={}).cameras] == ["1", "2", "3", "4"]
    (tmp_path / "config" / "cameras.yaml").write_text("cameras: []\n")
    assert templates.provide({}) is None
    assert load(environ={}).cameras == ()


def test_a_folder_that_is_named_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert templates.provide({"TRAFFICMON_CONFIG_DIR": str(tmp_path / "elsewhere")}) is None
    assert not list(tmp_path.iterdir())


def test_nothing_is_lost_where_nothing_can_be_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "mkdir", lambda *_, **__: (_ for _ in ()).throw(PermissionError()))
    assert templates.provide({}) is None


def committed(path: str) -> str:
    shown = subprocess.run(
        ["git", "show", f":{path}"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return shown.stdout


@pytest.mark.needs("git")
@pytest.mark.parametrize("name", sorted(path.name for path in templates.HERE.glob("*.yaml")))
def test_a_template_is_what_a_clone_has(name):
    """As committed: the files of a clone are its owner's to change."""
    mine = committed(f"streaming/settings/templates/{name}")
    assert mine == committed(f"config/{name}"), f"cp config/{name} streaming/settings/templates/"
