import pytest

from streaming.lake import opened
from streaming.lake.schema import ensure_schema
from streaming.settings import load
from tests.dagster_settings import given


@pytest.fixture
def settings(tmp_path):
    environ = {
        "TRAFFICMON_STATE_DIR": str(tmp_path / "state"),
        "TRAFFICMON_REPORTS_DIR": str(tmp_path / "reports"),
    }
    return load(tmp_path, environ)


@pytest.fixture
def trafficmon(settings):
    """The resource with this test's settings."""
    return given(settings)


@pytest.fixture
def lake(settings):
    """A new lake with its tables, open for writing."""
    with opened(settings) as con:
        ensure_schema(con)
        yield con
