"""Whether what was started does its work: each program's own word, and Dagster's."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from streaming import readiness
from streaming.settings import Settings
from streaming.supervision import daemon, dagster
from streaming.supervision.control import Control, ProgramStatus
from streaming.supervision.programs import INFRASTRUCTURE, INSTANCE, NAMES

_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Unready:
    """A program that does not do its work yet, and what it waits for."""

    name: str
    reason: str


def unready(settings: Settings, statuses: Collection[ProgramStatus]) -> tuple[Unready, ...]:
    """Those of the programs that are not ready, in starting order."""
    found = [Unready(s.name, reason) for s in statuses if (reason := _reason(settings, s))]
    return tuple(sorted(found, key=lambda u: NAMES.index(u.name)))


def wait_ready(
    settings: Settings, on_progress: Callable[[str], None], timeout_s: float
) -> tuple[Unready, ...]:
    """Return when all that was started is ready, or what is not after `timeout_s`.

    Raises:
        ServiceError: no supervisord runs.
    """
    control = Control(daemon.layout(settings).socket)
    began_s = time.monotonic()
    told: set[str] = set(INFRASTRUCTURE)
    while True:
        started = [s for s in control.status() if s.description != "Not started"]
        late = unready(settings, started)
        names = {s.name for s in started} - {u.name for u in late}
        after_s = time.monotonic() - began_s
        if new := sorted(names - told, key=NAMES.index):
            on_progress(f"Ready after {after_s:.1f} s: {', '.join(new)}")
        told |= names
        if not late or after_s >= timeout_s:
            return late
        time.sleep(_POLL_S)


def _reason(settings: Settings, status: ProgramStatus) -> str | None:
    if status.state != "RUNNING":
        return f"{status.state.lower()}: {status.description}"
    if status.name in INFRASTRUCTURE:
        return None  # `up` waits until they answer, before it starts anything else
    if status.name == "dagster":
        return dagster.waits_for(settings.serving)
    note = readiness.read(readiness.note_of(settings.state_dir, status.name, INSTANCE))
    if note is None or note.pid != status.pid:
        return "is starting"
    return f"waits for {', '.join(note.waits_for)}" if note.waits_for else None
