"""Which tests of `pytest -n auto` run side by side, and in what order.

A file's tests stay together, for the fixtures of its module. What starts whole systems
(`tests/end_to_end`) goes one after another through one worker, from the first moment on, while
the others do the rest: it waits for processes more than it computes.
"""

import os
from collections.abc import Sequence
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

WHOLE_SYSTEMS = "tests/end_to_end/"
_MOST_WORKERS = 8
_ORDER = (WHOLE_SYSTEMS, "tests/integration/", "tests/contract/", "tests/unit/")


class SideBySide(LoadScopeScheduling):
    """Files in the order they were collected in; those of `WHOLE_SYSTEMS` are one."""

    def _split_scope(self, nodeid: str) -> str:
        return WHOLE_SYSTEMS if nodeid.startswith(WHOLE_SYSTEMS) else nodeid.split("::", 1)[0]


def in_order(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """What takes longest first, so that no worker is left alone with it at the end."""
    return sorted(items, key=lambda item: _place(item.nodeid))


def _place(nodeid: str) -> int:
    return next((n for n, folder in enumerate(_ORDER) if nodeid.startswith(folder)), len(_ORDER))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = in_order(items)


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> SideBySide:
    config.option.loadscopereorder = False
    return SideBySide(config, log)


def pytest_xdist_auto_num_workers() -> int:
    """One more than cores: somebody always waits for another process."""
    return min(_MOST_WORKERS, (os.cpu_count() or 1) + 1)
