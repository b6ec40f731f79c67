"""Becomes a program that starts others, after ending what a killed forerunner left behind.

    python -m streaming.supervision.alone dagster dg dev …

Dagster's web server and daemon outlive a `dg dev` that is killed, and hold its port.
"""

import os
import sys
from pathlib import Path
from typing import NoReturn

from streaming.supervision import orphans

_DRAIN_S = 10.0


def execute(name: str, command: list[str]) -> NoReturn:
    """Replace this process by `command`, whose descendants are known by `name` from then on."""
    state_dir = os.environ.get(orphans.MARK)
    if state_dir:
        orphans.end(Path(state_dir), drain_s=_DRAIN_S, on_progress=print, program=name)
    os.environ[orphans.PROGRAM] = name
    os.execv(command[0], command)  # noqa: S606  (no shell is meant)


if __name__ == "__main__":
    execute(sys.argv[1], sys.argv[2:])
