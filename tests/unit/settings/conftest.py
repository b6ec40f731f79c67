import textwrap

import pytest


@pytest.fixture
def configured(tmp_path):
    """Writes files into a folder; gives what `load` takes, with an environment of its own."""

    def write(files=(), **environ):
        for name, text in dict(files).items():
            (tmp_path / name).write_text(textwrap.dedent(text), encoding="utf-8")
        return tmp_path, {"TRAFFICMON_STATE_DIR": str(tmp_path / "state"), **environ}

    return write
