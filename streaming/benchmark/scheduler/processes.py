"""Daemons in processes of their own, as `trafficmon run` starts them, for the length of a block."""

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from streaming import logs
from streaming.errors import ServiceError
from streaming.proxies import open_here
from streaming.settings import Settings

Run = Callable[[Settings, str], None]

_STOP_TIMEOUT_S = 15.0
_SCRAPE_TIMEOUT_S = 5.0
_LAST_LINES = 3
_CALLS = "llm_calls_total{"


class Daemon:
    """One process; what it says is in `log_file`."""

    def __init__(self, name: str, run: Run, settings: Settings, log_file: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self.name = name
        self.log_file = log_file
        self.killed = False
        self._process: BaseProcess = context.Process(
            target=_become, args=(run, settings, name, log_file), name=name, daemon=True
        )
        self._process.start()
        self._usage = psutil.Process(self._process.pid)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._usage.pid

    def check(self) -> None:
        """Raises ServiceError if it ended, unless that was our doing."""
        if self.killed or self._process.is_alive():
            return
        lines = self.log_file.read_text(errors="replace").splitlines()[-_LAST_LINES:]
        said = "; ".join(line[:500] for line in lines) or "it said nothing"
        raise ServiceError(f"{self.name} ended with exit code {self._process.exitcode}: {said}")

    def cpu_s(self) -> float:
        """Processor time so far, of all its threads."""
        times = self._usage.cpu_times()
        return float(times.user + times.system)

    def rss_mb(self) -> float:
        """Resident memory."""
        return round(self._usage.memory_info().rss / 2**20, 1)

    def kill(self) -> None:
        """As if the machine had taken it: no goodbye to anybody."""
        self.killed = True
        self._process.kill()
        self._process.join()

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()

    def join(self) -> None:
        """Return when it is gone; after a while, make it go."""
        self._process.join(_STOP_TIMEOUT_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


class Fleet:
    """All daemons of one measurement; none outlives the block."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._daemons: list[Daemon] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for daemon in self._daemons:
            daemon.terminate()
        for daemon in self._daemons:
            daemon.join()

    def start(self, name: str, run: Run, settings: Settings) -> Daemon:
        """One more."""
        daemon = Daemon(name, run, settings, self._folder / f"{name}.log")
        self._daemons.append(daemon)
        return daemon

    def check(self) -> None:
        """Raises ServiceError if any of them ended."""
        for daemon in self._daemons:
            daemon.check()


def cpu_s(daemons: Iterable[Daemon]) -> float:
    """Processor time of all of them."""
    return sum(daemon.cpu_s() for daemon in daemons)


def machine_busy_s() -> float:
    """Processor time so far of everything that runs here, all cores together."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0))


def calls_made(metrics_port: int) -> int:
    """What one scheduler counted itself: llm_calls_total, whatever came of them."""
    address = f"http://127.0.0.1:{metrics_port}/metrics"
    with open_here(address, _SCRAPE_TIMEOUT_S) as answer:
        lines = answer.read().decode().splitlines()
    return round(sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(_CALLS)))


def _become(run: Run, settings: Settings, name: str, log_file: Path) -> None:
    """The new process: out of the terminal's reach, silent, and gone when its parent is."""
    os.setsid()
    said = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(said, 1)
    os.dup2(said, 2)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    logs.configure(secrets=settings.secrets(), level=logging.WARNING)
    run(settings, name)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_STOP_TIMEOUT_S)
    os._exit(1)
