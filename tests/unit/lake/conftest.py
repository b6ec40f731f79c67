import pytest

from streaming.lake import connect
from streaming.lake.schema import ensure_schema
from streaming.settings import load


@pytest.fixture
def settings(tmp_path):
    return load(tmp_path, {"TRAFFICMON_STATE_DIR": str(tmp_path / "state")})


@pytest.fixture
def lake(settings):
    """A new lake with its tables, open for writing."""
    con = connect(settings)
    ensure_schema(con)
    yield con
    con.close()
