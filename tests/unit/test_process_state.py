"""What one test changes for all others of its process is named, and undone."""

import logging
import os
import signal
import sys

import pytest

from tests.process_state import ProcessState


def in_the_environment():
    os.environ["A_NEW_ONE"] = "a-secret"


def without_a_variable():
    os.environ.pop("PATH")


def in_another_folder():
    os.chdir("/")


def with_a_log_handler():
    logging.root.addHandler(logging.NullHandler())


def with_another_import_path():
    sys.path.insert(0, "elsewhere")


def with_a_signal_handler():
    signal.signal(signal.SIGTERM, lambda *_: None)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (in_the_environment, "environment: A_NEW_ONE"),
        (without_a_variable, "environment: PATH"),
        (in_another_folder, "folder: "),
        (with_a_log_handler, "root_log_handlers: "),
        (with_another_import_path, "import_path: "),
        (with_a_signal_handler, "signal_handlers: SIGTERM"),
    ],
)
def test_a_change_is_named_without_values_and_undone(change, told):
    found = ProcessState.now()
    try:
        change()
        (line,) = found.changed()
        assert line.startswith(told)
        assert "a-secret" not in line
    finally:
        found.restore()
    assert found.changed() == []
