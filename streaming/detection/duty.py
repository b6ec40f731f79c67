"""What this worker is to watch: the cameras that are wanted and that the group gave to it."""

import threading
from collections.abc import Callable, Collection, Mapping

from streaming.detection.fleet import Fleet
from streaming.detection.roster import roster
from streaming.messages import CameraCommand
from streaming.settings import Settings

Commands = Mapping[str, CameraCommand | None]


class Duty:
    """Keeps the fleet in step with both. Its two callers are threads of their own."""

    def __init__(
        self,
        settings: Settings,
        fleet: Fleet,
        *,
        term: Callable[[str], int | None],
        gone: Callable[[Collection[str]], None],
    ) -> None:
        self._settings = settings
        self._fleet = fleet
        self._term = term
        self._gone = gone
        self._commands: Commands | None = None
        self._assigned = False
        self._ended = False
        self._lock = threading.Lock()

    def commanded(self, commands: Commands) -> None:
        """What camera-control says now."""
        with self._lock:
            self._commands = commands
            self._follow()

    def reassigned(self) -> None:
        """The group gave or took cameras; nothing starts before camera-control was read."""
        with self._lock:
            self._assigned = True
            if self._commands is not None:
                self._follow()

    @property
    def known(self) -> bool:
        """Whether camera-control was read and the group answered: the fleet is as it is to be."""
        return self._commands is not None and self._assigned

    def end(self) -> None:
        """Nothing starts any more."""
        with self._lock:
            self._ended = True

    def _follow(self) -> None:
        if self._ended:
            return
        default_s = self._settings.detection.interval_s
        wanted = roster(self._settings.cameras, self._commands or {}, default_s)
        terms = {camera_id: self._term(camera_id) for camera_id in wanted}
        ours = {i: (spec, t) for i, spec in wanted.items() if (t := terms[i]) is not None}
        if gone := self._fleet.follow(ours):
            self._gone(gone)
