import json

import pytest

from streaming.embedded import endpoints
from streaming.embedded.discovery import plain
from streaming.settings import load


@pytest.fixture
def settings(tmp_path):
    return load(tmp_path, {"TRAFFICMON_STATE_DIR": str(tmp_path / "state")})


def test_the_defaults_are_those_of_the_settings(settings):
    for name, default in endpoints.DEFAULTS.items():
        value = endpoints.value_of(settings, name)
        assert (plain(value) if isinstance(value, str) else value) == default, name


def test_what_is_written_is_read_by_the_settings(tmp_path):
    noted = {endpoints.KAFKA: "127.0.0.1:9193", "serving.api.port": 5123}
    endpoints.write(tmp_path / "state", noted)
    assert endpoints.read(tmp_path / "state") == noted
    settings = load(tmp_path, {"TRAFFICMON_STATE_DIR": str(tmp_path / "state")})
    assert settings.kafka.bootstrap_servers == "127.0.0.1:9193"
    assert settings.serving.api.port == 5123


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"unknown.setting": 1}'])
def test_a_file_that_is_none_counts_as_empty(tmp_path, content):
    (tmp_path / endpoints.FILE_NAME).write_text(content)
    assert endpoints.read(tmp_path) == {}


def test_nothing_is_left_of_a_draft(tmp_path):
    endpoints.write(tmp_path, {"simulator.port": 8901})
    assert [p.name for p in tmp_path.iterdir()] == [endpoints.FILE_NAME]
    assert json.loads((tmp_path / endpoints.FILE_NAME).read_text()) == {"simulator.port": 8901}
    endpoints.forget(tmp_path)
    assert endpoints.read(tmp_path) == {}


def test_settings_take_addresses_and_stay_as_they_were_otherwise(settings):
    moved = endpoints.with_endpoints(settings, {"serving.dagster.port": 3100})
    assert moved.serving.dagster.port == 3100
    assert moved.serving.api == settings.serving.api
    assert moved.kafka is settings.kafka
