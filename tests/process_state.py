"""A test that leaves what all tests of its process share changed fails, and the next finds it whole.

Hooks and no fixture: fixtures of a module begin before any of a test, and end after it.
"""

import logging
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest

_NOT_OURS = (
    "PYTEST_CURRENT_TEST",
    # OpenCV reads them at every opening, and from nowhere else: detection/sources/captures.py.
    "OPENCV_FFMPEG_",
    # Set by cv2 itself when it is imported.
    "LD_LIBRARY_PATH",
    # PyTorch's and ultralytics' own, set when a network is run.
    "CUBLAS_WORKSPACE_CONFIG",
    "TORCHINDUCTOR_CACHE_DIR",
)
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR1)


@dataclass(frozen=True, slots=True)
class ProcessState:
    """What a test finds; `restore` brings it back for the next one."""

    environment: dict[str, str]
    folder: str
    import_path: list[str]
    root_log_handlers: list[logging.Handler]
    root_log_level: int
    signal_handlers: dict[signal.Signals, Any]

    @classmethod
    def now(cls) -> "ProcessState":
        return cls(
            environment={k: v for k, v in os.environ.items() if not k.startswith(_NOT_OURS)},
            folder=_folder(),
            import_path=list(sys.path),
            root_log_handlers=list(logging.root.handlers),
            root_log_level=logging.root.level,
            signal_handlers={number: _handler(number) for number in _SIGNALS},
        )

    def changed(self) -> list[str]:
        """A line for everything that is another now; of variables the names alone."""
        now = ProcessState.now()
        found = []
        for field in fields(self):
            before, after = getattr(self, field.name), getattr(now, field.name)
            if before == after:
                continue
            if isinstance(before, dict):
                keys = sorted(k for k in before | after if before.get(k) != after.get(k))
                found.append(f"{field.name}: {', '.join(getattr(k, 'name', k) for k in keys)}")
            else:
                found.append(f"{field.name}: {before!r} became {after!r}")
        return found

    def restore(self) -> None:
        for name in [k for k in os.environ if not k.startswith(_NOT_OURS)]:
            if name not in self.environment:
                del os.environ[name]
        os.environ.update(self.environment)
        if Path(self.folder).exists():
            os.chdir(self.folder)
        sys.path[:] = self.import_path
        logging.root.handlers[:] = self.root_log_handlers
        logging.root.setLevel(self.root_log_level)
        for number, handler in self.signal_handlers.items():
            if handler is not None:  # one that was not set from Python
                signal.signal(number, handler)


def _handler(number: signal.Signals) -> Any:
    found = signal.getsignal(number)
    if number == signal.SIGTERM and found is signal.getsignal(signal.SIGINT):
        return signal.SIG_DFL  # Dagster leaves it so after each run in the process
    return found


def _folder() -> str:
    try:
        return str(Path.cwd())
    except FileNotFoundError:  # the test's own, which it removed
        return "a folder that is gone"


_FOUND: pytest.StashKey[ProcessState] = pytest.StashKey()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    item.stash[_FOUND] = ProcessState.now()
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    result = yield
    found = item.stash[_FOUND]
    if changes := found.changed():
        found.restore()
        pytest.fail("the test leaves its process changed: " + "; ".join(changes), pytrace=False)
    return result
