"""One process at a time, across processes; the lock ends with the process that holds it."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streaming.errors import ServiceError

_POLL_S = 0.05


@contextmanager
def file_lock(path: Path, *, timeout_s: float, doing: str) -> Iterator[None]:
    """Hold `path` as a lock while the block runs.

    Raises:
        ServiceError: another process held it for `timeout_s`; `doing` says what it does.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + timeout_s
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                if time.monotonic() >= deadline:
                    raise ServiceError(
                        f"another process has been {doing} for {timeout_s:g} s ({path})"
                    ) from exc
                time.sleep(_POLL_S)
            else:
                break
        yield
