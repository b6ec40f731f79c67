"""Once there are verdicts to report on, starts Dagster and has it materialize every asset.

Dagster comes last so that it does not compete with the first verdict for the processor.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Callable

from streaming import supervision
from streaming.demo.tally import Tally
from streaming.demo.watch import Watch
from streaming.errors import TrafficmonError
from streaming.settings import Settings
from streaming.settings.serving import http_address

TIMEOUT_S = 120.0
LAST_CHANCE_S = 20.0
POLL_S = 0.5
AFTER_ASSESSMENTS = 20
"""Enough for a report that shows something."""
QUIET_ROADS_S = 30.0
"""Cameras that see little do not keep Dagster away for longer than this."""


class FirstLook:
    """A thread that waits for verdicts, starts Dagster and runs `trafficmon_dagster.launch`.

    Never fatal: whatever goes wrong is said, and the demo goes on.

    A process of its own, since `streaming` does not import `trafficmon_dagster`.
    """

    def __init__(
        self,
        settings: Settings,
        watch: Watch[Tally],
        say: Callable[[str], None],
        started: Callable[[Settings], None],
    ) -> None:
        self._settings = settings
        self._started = started
        self._watch = watch
        self._say = say
        self._stop = threading.Event()
        self._process: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=self._run, name="first-look", daemon=True)

    def __enter__(self) -> "FirstLook":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=LAST_CHANCE_S)
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._thread.join(timeout=LAST_CHANCE_S)

    def _run(self) -> None:
        began_s = time.monotonic()
        while not self._enough() and time.monotonic() < began_s + QUIET_ROADS_S:
            if self._stop.wait(POLL_S):
                return
        try:
            settings = supervision.up(self._settings, ["dagster"], lambda _: None)
        except TrafficmonError as exc:
            self._say(f"Dagster: {exc}")
            return
        self._started(settings)
        dagster = settings.serving.dagster
        command = [
            sys.executable,
            "-m",
            "trafficmon_dagster.launch",
            http_address(dagster.host, dagster.port),
            "--timeout-s",
            str(TIMEOUT_S),
        ]
        # It ends by itself: --timeout-s bounds it.
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        out, _ = self._process.communicate()
        said = out.strip().splitlines()
        self._say(said[-1] if said else "Dagster: the first look was cut short")

    def _enough(self) -> bool:
        with self._watch.lock:
            return len(self._watch.tally.end_to_end_ms) >= AFTER_ASSESSMENTS
