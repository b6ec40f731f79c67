"""How a daemon begins and ends, for who supervises it.

It says when it works, where systemd asks for that. The first SIGTERM or SIGINT drains it, the
second ends it at once.
"""

import logging
import os
import signal
import socket
import threading
from types import FrameType

log = logging.getLogger(__name__)


def working() -> None:
    """Tell systemd that this daemon works, where its unit has Type=notify: sd_notify(3)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    # A leading @ stands for the zero byte of Linux's abstract addresses.
    place = f"\0{address[1:]}" if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
            door.sendto(b"READY=1", place)
    except OSError as exc:
        log.warning("systemd was not told that this daemon works (NOTIFY_SOCKET): %s", exc)


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
