"""How `pytest -n auto` shares the tests out: files side by side, the slowest kinds first.

A file's tests stay in one worker and in order, for the fixtures of its module.
"""

import os
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

_ORDER = ("tests/end_to_end/", "tests/integration/", "tests/contract/", "tests/unit/")
_MOST_WORKERS = 8


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole systems begin the run: at its end they would keep one worker and leave the others idle."""
    items.sort(key=lambda item: _place(item.nodeid))


def _place(nodeid: str) -> int:
    return next((n for n, folder in enumerate(_ORDER) if nodeid.startswith(folder)), 0)


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    config.option.loadscopereorder = False
    return LoadFileScheduling(config, log)


def pytest_xdist_auto_num_workers() -> int:
    """One more than cores: somebody always waits for another process."""
    return min(_MOST_WORKERS, (os.cpu_count() or 1) + 1)
