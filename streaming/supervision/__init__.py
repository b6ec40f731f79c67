"""Runs the daemons as processes that restart by themselves; `trafficmon up`, `status`, `down`.

supervisord does the watching. It runs in a session of its own, so that a terminal's Ctrl-C
reaches none of the daemons before `down` asks them to drain.
"""

from streaming.supervision.control import ProgramStatus
from streaming.supervision.facade import down, status, stop, up
from streaming.supervision.programs import DAEMONS, Program, programs
from streaming.supervision.ready import Unready, unready, wait_ready

__all__ = [
    "DAEMONS",
    "Program",
    "ProgramStatus",
    "Unready",
    "down",
    "programs",
    "status",
    "stop",
    "unready",
    "up",
    "wait_ready",
]
