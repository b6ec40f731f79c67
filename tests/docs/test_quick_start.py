"""docs/quick-start.md from its first command to its last, in a folder as a clone has it."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from streaming.embedded import jars
from tests.docs.follow import follow
from tests.docs.terminal import Terminal

pytestmark = pytest.mark.needs("own-network", "curl")

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/quick-start.md"


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "trafficmon"
    for name in ("config", "scripts", "deployment"):
        shutil.copytree(ROOT / name, made / name)
    # There is no way out of a terminal's own network.
    jars.classpath(made / ".trafficmon", print)
    return made


@pytest.fixture
def terminal(folder, tmp_path):
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TRAFFICMON_", "DASHSCOPE_"))
        and name not in {"CAMERAS", "KAFKA_BOOTSTRAP_SERVERS", "REDIS_URL"}
    } | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "COLUMNS": "120",
        # The page's keys are asked for at the simulator, not in the world.
        "TRAFFICMON_PROVIDER_BASE_URL": "http://127.0.0.1:8900/v1",
        # The machine that runs this may be slow; that messages flow is what the page promises.
        "TRAFFICMON_KAFKA__CONNECT_TIMEOUT_S": "240",
        "TRAFFICMON_ALERTS__LATENCY_THRESHOLD_P95": "60",
    }
    with Terminal(folder, environment, tmp_path / "notes") as opened:
        yield opened


def test_a_reader_of_the_quick_start_sees_what_it_promises(terminal, folder):
    follow(PAGE.read_text(encoding="utf-8"), terminal, folder)
