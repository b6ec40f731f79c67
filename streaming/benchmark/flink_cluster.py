"""A Flink session cluster on this machine, from the scripts in Flink's own Python package."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import yaml

from streaming.embedded.ports import any_free
from streaming.tasks import flink

_SLOTS = 2


class SessionCluster:
    """One job manager, and one task manager that may be killed and started again."""

    def __init__(self, home: Path) -> None:
        self._bin = flink.scripts()
        self._home = home
        self._conf = home / "conf"
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(self._bin.parent / "conf", self._conf)
        self._rest_port = any_free()
        settings = yaml.safe_load((self._conf / "config.yaml").read_text(encoding="utf-8"))
        settings |= {
            "jobmanager.rpc.port": any_free(),
            "rest.port": self._rest_port,
            "rest.address": "localhost",
            "taskmanager.numberOfTaskSlots": _SLOTS,
            "taskmanager.memory.process.size": "1728m",
            # A task manager that was killed is missed within seconds, not within 50.
            "heartbeat.interval": 1_000,
            "heartbeat.timeout": 5_000,
        }
        settings["jobmanager"]["rpc"].pop("port")
        settings["taskmanager"].pop("numberOfTaskSlots")
        settings["taskmanager"].pop("memory")
        (self._conf / "config.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        self._processes: list[subprocess.Popen[bytes]] = []
        self._task_manager: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """host:port of its REST endpoint."""
        return f"127.0.0.1:{self._rest_port}"

    def __enter__(self) -> "SessionCluster":
        self._processes.append(self._start("jobmanager"))
        self.start_task_manager()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill_task_manager()
        for process in self._processes:
            kill(process.pid)
            process.wait()

    def start_task_manager(self) -> None:
        """A new one, in a process of its own."""
        self._task_manager = self._start("taskmanager")

    def kill_task_manager(self) -> None:
        """kill -9, with the Python processes that it started."""
        if self._task_manager is not None:
            kill(self._task_manager.pid)
            self._task_manager.wait()
            self._task_manager = None

    def _start(self, what: str) -> "subprocess.Popen[bytes]":
        environment = flink.environment() | {
            "FLINK_CONF_DIR": str(self._conf),
            "FLINK_LOG_DIR": str(self._home),
            # Python workers of a task manager that was killed would outlive it.
            "PATH": f"{flink.ENVIRONMENT / 'bin'}:{os.defpath}",
        }
        with (self._home / f"{what}.log").open("ab") as log:
            return subprocess.Popen(
                [str(self._bin / f"{what}.sh"), "start-foreground"],
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


def kill(pid: int) -> None:
    """Kill a process and all its descendants (kill -9)."""
    for process in _family(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def _family(pid: int) -> Iterator[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        own = psutil.Process(pid)
        yield from own.children(recursive=True)
        yield own
