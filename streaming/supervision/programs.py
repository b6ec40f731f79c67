"""What is supervised: a program a daemon, in the order they start."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from streaming.settings import Settings
from streaming.settings.environment import cleaned
from streaming.settings.sources import config_folder

INFRASTRUCTURE = ("kafka", "redis")
DAEMONS = ("simulator", "detection", "tasks", "scheduling", "aggregation", "api")
NAMES = (*INFRASTRUCTURE, *DAEMONS, "dagster")
_DAGSTER = Path(__file__).resolve().parents[2] / "trafficmon_dagster" / "instance"
INSTANCE = "1"
"""Of each daemon under supervision."""

_MARGIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Program:
    """One supervised process: `stop_wait_s` is how long SIGTERM may take before SIGKILL."""

    name: str
    command: tuple[str, ...]
    log_file: Path
    working_dir: Path = field(default_factory=Path.cwd)
    """By default where `up` was called, so that relative paths in settings mean the same."""
    env: Mapping[str, str] = field(default_factory=dict)
    stop_wait_s: float = 20.0
    autostart: bool = False
    restart: bool = True
    whole_group: bool = False
    """Signal the children too, where a program does not end them itself."""


def programs(settings: Settings) -> tuple[Program, ...]:
    """Every program these settings can run; infrastructure first."""
    drain_s = float(settings.scheduler.task_timeout_seconds) + _MARGIN_S
    stop_wait_s = {"kafka": 60.0, "scheduling": drain_s}
    daemons = tuple(
        Program(
            name=name,
            command=_run(name),
            log_file=_log_file(settings, name),
            env=_environment(settings),
            stop_wait_s=stop_wait_s.get(name, 20.0),
        )
        for name in (*INFRASTRUCTURE, *DAEMONS)
    )
    return (*daemons, _dagster(settings))


def _run(name: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "streaming.cli", "run", name, "--instance-id", INSTANCE)


def _dagster(settings: Settings) -> Program:
    dg = Path(sys.executable).parent / "dg"
    alone = (sys.executable, "-m", "streaming.supervision.alone", "dagster")
    workspace = _DAGSTER / "workspace.yaml"
    host, port = settings.serving.dagster.host, settings.serving.dagster.port
    home = settings.state_dir.absolute() / "dagster"
    return Program(
        name="dagster",
        command=(*alone, str(dg), "dev", "-w", str(workspace), "-h", host, "-p", str(port)),
        log_file=_log_file(settings, "dagster"),
        env=_environment(settings) | {"DAGSTER_HOME": str(home)},
        stop_wait_s=30.0,
        whole_group=True,
    )


def _log_file(settings: Settings, name: str) -> Path:
    return settings.logs_dir.absolute() / f"{name}.out.log"


def _environment(settings: Settings) -> dict[str, str]:
    environment = {
        "TRAFFICMON_STATE_DIR": str(settings.state_dir.absolute()),
        "PYTHONUNBUFFERED": "1",
    }
    config_dir = config_folder(None, cleaned(os.environ))
    if config_dir.is_dir():
        environment["TRAFFICMON_CONFIG_DIR"] = str(config_dir.absolute())
    return environment
