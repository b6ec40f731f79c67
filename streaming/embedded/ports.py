"""Which TCP ports of this machine are free, and which are listened to."""

import errno
import fcntl
import os
import socket
import tempfile
import time
from pathlib import Path
from typing import Self, TextIO

from streaming.errors import PortInUse, ServiceError

LOOPBACK = "127.0.0.1"
_TRIED = 100
_CONNECT_TIMEOUT_S = 0.5
_GIVEN_S = 120.0


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen at host:port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: connections of an earlier server that are still closing do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as exc:
            if exc.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
        return True


def is_listening(port: int, host: str = LOOPBACK) -> bool:
    """Whether something takes connections at host:port."""
    try:
        socket.create_connection((host, port), timeout=_CONNECT_TIMEOUT_S).close()
    except OSError:
        return False
    return True


class Reservations:
    """Ports chosen by a starting process, which no other clone takes before they are listened to.

    A reservation is a lock on a file named after the port; it ends with the block, or with
    the process.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or _folder()
        self._held: dict[int, TextIO] = {}

    def __enter__(self) -> Self:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self

    def __exit__(self, *_exc: object) -> None:
        for file in self._held.values():
            file.close()
        self._held.clear()

    def choose(self, port: int, *, asked: bool, setting: str, host: str = LOOPBACK) -> int:
        """`port` if it is free; the next free one if nobody asked for this one.

        Raises:
            PortInUse: it was asked for by `setting`, and something listens there.
        """
        if not asked:
            return self.next_free(port, host)
        if not is_free(port, host) or not self._reserve(port):
            raise PortInUse(port=port, setting=setting)
        return port

    def next_free(self, start: int, host: str = LOOPBACK) -> int:
        """The first free port from `start` on.

        Raises:
            ServiceError: none of a hundred is.
        """
        for port in range(start, min(start + _TRIED, 65_536)):
            if is_free(port, host) and self._reserve(port):
                return port
        raise ServiceError(f"no free port from {start} to {start + _TRIED - 1}")

    def _reserve(self, port: int) -> bool:
        if port in self._held:
            return False
        file = (self._folder / f"port-{port}").open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._held[port] = file
        return True


def any_free() -> int:
    """A free port chosen by the system, and given to nobody else here for two minutes.

    A server takes seconds to listen at it, and of ports that nobody listens at yet the system
    may choose the same for another.
    """
    folder = _folder()
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind((LOOPBACK, 0))
            port = int(probe.getsockname()[1])
            note = folder / f"given-{port}"  # nobody else is at it while we hold the port
            if not note.exists() or time.time() - note.stat().st_mtime > _GIVEN_S:
                note.touch()
                return port


def _folder() -> Path:
    folder = Path(tempfile.gettempdir()) / f"trafficmon-{os.getuid()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
