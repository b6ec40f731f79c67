"""Processes of ours that outlived their supervisord: found by a mark in their environment."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import psutil

MARK = "TRAFFICMON_SUPERVISED"
"""Set for supervisord, and so for all it starts: the state folder they belong to."""

PROGRAM = "TRAFFICMON_PROGRAM"
"""Set by `streaming.supervision.alone`: which program a process descends from."""

_LAST = ("kafka.Kafka", "redis-server")


def find(state_dir: Path, program: str | None = None) -> list[psutil.Process]:
    """Processes of this user that carry the mark of `state_dir`, this one's own line left out.

    With `program`, only those that descend from it.
    """
    marks = {MARK: str(state_dir.absolute())} | ({PROGRAM: program} if program else {})
    own = {os.getpid(), *(p.pid for p in psutil.Process().parents())}
    return [
        p for p in psutil.process_iter() if p.pid not in own and marks.items() <= _marks(p).items()
    ]


def end(
    state_dir: Path,
    *,
    drain_s: float,
    on_progress: Callable[[str], None],
    program: str | None = None,
) -> int:
    """End what `find` finds, Kafka and Redis last; SIGTERM, then SIGKILL after `drain_s`.

    Returns how many there were.
    """
    orphans = find(state_dir, program)
    if not orphans:
        return 0
    on_progress(f"Ending {len(orphans)} processes that an earlier run left behind")
    last = [p for p in orphans if _is_infrastructure(p)]
    _end([p for p in orphans if p not in last], drain_s)
    _end(last, drain_s)
    # A daemon may have started another process meanwhile.
    _end(find(state_dir, program), drain_s)
    return len(orphans)


def _end(processes: list[psutil.Process], drain_s: float) -> None:
    for process in processes:
        _signal(process.terminate)
    _, alive = psutil.wait_procs(processes, timeout=drain_s)
    for process in alive:
        _signal(process.kill)
    psutil.wait_procs(alive, timeout=10.0)


def _signal(send: Callable[[], None]) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        send()


def _marks(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except (psutil.Error, OSError):
        return {}


def _is_infrastructure(process: psutil.Process) -> bool:
    try:
        words = process.cmdline()
    except psutil.Error:
        return False
    return any(word.endswith(_LAST) for word in words)
