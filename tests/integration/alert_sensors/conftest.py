"""An instance of Dagster, and sensors on it."""

import dagster as dg
import pytest

from tests.integration.alert_sensors.ticking import Ticking


@pytest.fixture
def instance():
    with dg.instance_for_test() as made:
        yield made


@pytest.fixture
def ticking(instance, monkeypatch):
    return lambda settings, name: Ticking(instance, settings, name, monkeypatch)
