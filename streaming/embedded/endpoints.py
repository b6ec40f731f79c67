"""`endpoints.json`: where the services run that Trafficmon started by itself.

`streaming.settings.load` reads it for addresses that were left at their default, so that
every later process finds what `up` started, on whatever port was free.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from streaming.settings import Settings

M = TypeVar("M", bound=BaseModel)

Endpoints = dict[str, str | int]
"""Dotted setting name to value."""

FILE_NAME = "endpoints.json"
KAFKA = "kafka.bootstrap_servers"
REDIS = "redis.url"
PORTS = {
    "simulator": "simulator.port",
    "api": "serving.api.port",
    "dagster": "serving.dagster.port",
}
"""Program to the setting that holds its port."""

DEFAULTS: Endpoints = {
    KAFKA: "127.0.0.1:9092",
    REDIS: "redis://127.0.0.1:6379/0",
    "simulator.port": 8900,
    "serving.api.port": 5000,
    "serving.dagster.port": 3001,
}
"""What `streaming.settings` starts from, `localhost` written as 127.0.0.1."""


def read(state_dir: Path) -> Endpoints:
    """What is noted; nothing if there is no file, or none that can be read."""
    try:
        noted = json.loads((state_dir / FILE_NAME).read_text())
    except (OSError, ValueError):
        return {}
    return {k: v for k, v in noted.items() if k in DEFAULTS} if isinstance(noted, dict) else {}


def write(state_dir: Path, endpoints: Endpoints) -> None:
    """Replace the note in one step, so that a reader sees the old or the new one whole."""
    state_dir.mkdir(parents=True, exist_ok=True)
    draft = state_dir / f"{FILE_NAME}.{os.getpid()}"
    draft.write_text(json.dumps(endpoints, indent=2) + "\n")
    draft.replace(state_dir / FILE_NAME)


def forget(state_dir: Path) -> None:
    """Nothing runs any more."""
    (state_dir / FILE_NAME).unlink(missing_ok=True)


def value_of(settings: Settings, name: str) -> Any:
    """The setting behind a dotted name."""
    value: Any = settings
    for part in name.split("."):
        value = getattr(value, part)
    return value


def kafka_port(settings: Settings) -> int:
    """The port of the one broker in `kafka.bootstrap_servers`."""
    return int(settings.kafka.bootstrap_servers.rpartition(":")[2])


def with_endpoints(settings: Settings, endpoints: Mapping[str, str | int]) -> Settings:
    """The same settings with these addresses."""
    for name, value in endpoints.items():
        settings = _replaced(settings, name.split("."), value)
    return settings


def _replaced(model: M, path: list[str], value: str | int) -> M:
    first, *rest = path
    new = _replaced(getattr(model, first), rest, value) if rest else value
    return model.model_copy(update={first: new})
