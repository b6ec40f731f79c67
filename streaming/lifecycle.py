"""How a daemon ends: the first SIGTERM or SIGINT drains it, the second ends it at once."""

import os
import signal
import threading
from types import FrameType


def stop_on_signals() -> threading.Event:
    """An event that the first SIGTERM or SIGINT sets; a second signal exits hard with 130."""
    stop = threading.Event()

    def on_signal(_signum: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(130)
        stop.set()

    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, on_signal)
    return stop
