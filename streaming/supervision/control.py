"""Talks to a running supervisord over its Unix socket."""

import time
import xmlrpc.client
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

from supervisor.states import ProcessStates
from supervisor.xmlrpc import Faults, SupervisorTransport

from streaming.errors import ServiceError

ACTIVE = frozenset({"STARTING", "RUNNING", "BACKOFF", "STOPPING"})
_POLL_S = 0.1
_RELOAD_STOP_S = 120.0


@dataclass(frozen=True, slots=True)
class ProgramStatus:
    """How a program stands: `description` is what supervisord says of it, in its words."""

    name: str
    state: str
    pid: int | None
    uptime_s: float
    description: str

    def as_dict(self) -> dict[str, object]:
        """The same for JSON."""
        return asdict(self)


class Control:
    """Starts, stops and looks at programs of the supervisord behind one socket."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def pid(self) -> int | None:
        """supervisord's process id, or None if it does not answer."""
        try:
            return int(self._call("getPID"))
        except ServiceError:
            return None

    def status(self) -> tuple[ProgramStatus, ...]:
        """Every program, in no order."""
        return tuple(_status(info) for info in self._call("getAllProcessInfo"))

    def start(self, names: Iterable[str]) -> None:
        """Have programs started; one that runs is left alone."""
        for name in names:
            self._call("startProcess", name, False, unless=Faults.ALREADY_STARTED)

    def stop(self, names: Collection[str], timeout_s: float) -> None:
        """SIGTERM to all of them at once, SIGKILL after each one's own wait.

        Raises:
            ServiceError: one still runs after `timeout_s`.
        """
        for name in names:
            self._call("stopProcess", name, False, unless=Faults.NOT_RUNNING)
        deadline = time.monotonic() + timeout_s
        while left := sorted(
            s.name for s in self.status() if s.name in names and s.state in ACTIVE
        ):
            if time.monotonic() >= deadline:
                raise ServiceError(f"{', '.join(left)} did not stop within {timeout_s:g} s")
            time.sleep(_POLL_S)

    def reload(self) -> None:
        """Take over a rewritten configuration; programs that it changes are stopped for it."""
        ((added, changed, removed),) = self._call("reloadConfig")
        self.stop([*changed, *removed], timeout_s=_RELOAD_STOP_S)
        for name in (*changed, *removed):
            self._call("removeProcessGroup", name)
        for name in (*added, *changed):
            self._call("addProcessGroup", name)

    def shutdown(self) -> None:
        """Tell supervisord to stop everything and end; returns before it has."""
        self._call("shutdown", unless=Faults.SHUTDOWN_STATE)

    def _call(self, method: str, *args: object, unless: int | None = None) -> Any:
        """The method's answer; a fault with the code `unless` is as good as one.

        Raises:
            ServiceError: supervisord does not answer, or refuses.
        """
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        proxy: Any = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
        try:
            return getattr(proxy.supervisor, method)(*args)
        except xmlrpc.client.Fault as exc:
            if exc.faultCode == unless:
                return None
            raise ServiceError(f"supervisord refuses {method}{args}: {exc.faultString}") from exc
        except (OSError, HTTPException, xmlrpc.client.Error) as exc:
            raise ServiceError(f"supervisord does not answer at {self._socket}: {exc}") from exc
        finally:
            transport.close()


def _status(info: dict[str, Any]) -> ProgramStatus:
    running = info["state"] in (ProcessStates.RUNNING, ProcessStates.STOPPING)
    return ProgramStatus(
        name=info["name"],
        state=info["statename"],
        pid=info["pid"] or None,
        uptime_s=float(max(0, info["now"] - info["start"])) if running else 0.0,
        description=info["spawnerr"] or info["description"],
    )
