"""Whether a daemon does its work yet, and what it still waits for.

Told in three places: GET /readyz beside its metrics, for probes, a note in the state folder, for
`trafficmon up` and `status` on the same machine, and to systemd, where that started it.
"""

import contextlib
import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from streaming import lifecycle
from streaming.settings import Settings

GROUP_SEAT = "its place in the consumer group"
MODEL = "the detection model"
CAMERAS = "cameras"
PORT = "its port"


class Readiness:
    """What is still missing; `reached` from any thread. Ready is for good: what fails later is
    the metrics' to tell."""

    def __init__(self, *waits_for: str, note: Path | None = None) -> None:
        self._missing = dict.fromkeys(waits_for, "")
        self._note = note
        self._lock = threading.Lock()
        self._write()

    @classmethod
    def of(cls, settings: Settings, daemon: str, instance_id: str, *waits_for: str) -> Self:
        """That of a daemon; its note lies where `up` and `status` look for it."""
        return cls(*waits_for, note=note_of(settings.state_dir, daemon, instance_id))

    def reached(self, condition: str) -> None:
        """It is missing no more."""
        with self._lock:
            if self._missing.pop(condition, None) is not None:
                self._write()
                if not self._missing:
                    lifecycle.working()

    def detail(self, condition: str, words: str) -> None:
        """Say more of one that is missing: `cameras`, "3, 7"."""
        with self._lock:
            if self._missing.get(condition, words) != words:
                self._missing[condition] = words
                self._write()

    @property
    def waits_for(self) -> tuple[str, ...]:
        """What is missing; empty once it is ready."""
        return tuple(f"{what} {words}".strip() for what, words in self._missing.items())

    def _write(self) -> None:
        if self._note is None:
            return
        # A folder that cannot be written is no reason not to work: /readyz tells the same.
        with contextlib.suppress(OSError):
            self._note.parent.mkdir(parents=True, exist_ok=True)
            draft = self._note.with_suffix(".new")
            draft.write_text(json.dumps({"pid": os.getpid(), "waitsFor": self.waits_for}))
            draft.replace(self._note)


@dataclass(frozen=True, slots=True)
class Note:
    """What a process noted of itself."""

    pid: int
    waits_for: tuple[str, ...]


def note_of(state_dir: Path, daemon: str, instance_id: str) -> Path:
    """Where a daemon's note lies."""
    return state_dir / "ready" / f"{daemon}-{instance_id}.json"


def read(path: Path) -> Note | None:
    """The note, None if there is none that can be read."""
    try:
        noted = json.loads(path.read_text())
        return Note(int(noted["pid"]), tuple(map(str, noted["waitsFor"])))
    except (OSError, ValueError, KeyError, TypeError):
        return None
