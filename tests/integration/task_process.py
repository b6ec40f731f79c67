"""A task worker in a process of its own, for tests that kill it: task_process SETTINGS ID."""

import logging
import pickle
import sys
from pathlib import Path

from streaming.tasks.worker import run

if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    run(pickle.loads(Path(sys.argv[1]).read_bytes()), sys.argv[2])  # noqa: S301 - our own file
