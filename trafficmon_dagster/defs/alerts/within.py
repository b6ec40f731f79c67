"""An answer in time or an error: a sensor shares its daemon with the others."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from streaming.errors import ServiceError

T = TypeVar("T")

_running: dict[str, threading.Thread] = {}


class TookTooLong(ServiceError):
    """What was asked did not answer in time."""


def within(timeout_s: float, name: str, ask: Callable[[], T]) -> T:
    """What `ask` returns or raises. One that hangs is left behind, and not asked again meanwhile.

    Raises:
        TookTooLong: no answer after `timeout_s`, or the last question still hangs.
    """
    before = _running.get(name)
    if before is not None and before.is_alive():
        raise TookTooLong(f"{name}: an earlier look still waits for its answer")
    outcome: dict[str, Any] = {}

    def run() -> None:
        try:
            outcome["answer"] = ask()
        except BaseException as exc:  # noqa: BLE001 - it is raised below, in the caller's thread
            outcome["error"] = exc

    thread = _running[name] = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    thread.join(timeout_s)
    if thread.is_alive():
        raise TookTooLong(f"{name}: no answer within {timeout_s:g} s")
    _running.pop(name, None)
    if "error" in outcome:
        raise outcome["error"]
    answer: T = outcome["answer"]
    return answer
