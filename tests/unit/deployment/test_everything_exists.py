"""Every command, variable, port, path and module that a file under deployment/ names is there."""

import importlib.util
import re
from functools import cache
from pathlib import Path

import click
import pytest
from pydantic import BaseModel

from streaming.cli import trafficmon
from streaming.settings import Settings, load
from streaming.settings.sources import NAMED_VARIABLES
from tests.unit.deployment import named

FILES = {str(path.relative_to(named.DEPLOYMENT)): path for path in named.files()}
every_file = pytest.mark.parametrize("path", FILES.values(), ids=FILES.keys())

OWN_VARIABLES = {"TRAFFICMON_CONFIG_DIR", "CAMERAS", "DASHSCOPE_API_KEY"}
OTHERS_PORTS = {
    3000: "Grafana",
    4000: "Dagster's code location",
    4180: "oauth2-proxy",
    5432: "PostgreSQL",
    6379: "Redis",
    8081: "Flink",
    9090: "Prometheus",
    9092: "Kafka, for this machine",
    9093: "Alertmanager; Kafka's controller; Kafka over TLS on Kubernetes",
    19092: "Kafka, for containers",
    26379: "Redis Sentinel",
}


def stands_for_anything(word: str) -> str:
    """The word with a systemd specifier or a shell's variable replaced by a value."""
    return re.sub(r"%[a-zA-Z]|\$\{[^}]*\}|\$\w+|\$\([^)]*\)", "1", word)


def refused(words: list[str]) -> str | None:
    """Why `trafficmon` would not take these words, or None."""
    command: click.Command = trafficmon
    rest = [stands_for_anything(word) for word in words[1:]]
    while isinstance(command, click.Group) and rest:
        name = rest.pop(0)
        if name.startswith("-"):
            return None if name in {"--version", "--help", "-h"} else f"no option {name}"
        found = command.commands.get(name)
        if found is None:
            return f"no command {name}"
        command = found
    try:
        command.make_context(words[0], rest, resilient_parsing=False)
    except click.exceptions.Exit:
        return None
    except click.ClickException as exc:
        return exc.format_message()
    return None


def is_setting(variable: str) -> bool:
    """True for TRAFFICMON_ and the path of a setting joined by two underscores."""
    kind: object = Settings
    for name in variable.removeprefix("TRAFFICMON_").lower().split("__"):
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            return False
        field = kind.model_fields.get(name)
        if field is None:
            return False
        kind = field.annotation
    return True


@cache
def code() -> str:
    return "\n".join(
        path.read_text(encoding="utf-8")
        for package in ("streaming", "trafficmon_dagster")
        for path in (named.ROOT / package).rglob("*.py")
    )


def is_variable(name: str) -> bool:
    if name in NAMED_VARIABLES or name in OWN_VARIABLES:
        return True
    return is_setting(name) if "__" in name else f'"{name}"' in code()


def our_ports() -> set[int]:
    settings = load(environ={})
    serving = settings.serving
    metrics = {serving.metrics.port + offset for offset in range(4)}
    return {serving.api.port, serving.dagster.port, settings.simulator.port, *metrics}


@every_file
def test_every_command_is_one_of_trafficmon(path: Path):
    problems = [(words, why) for words in named.commands(path) if (why := refused(words))]
    assert not problems


@every_file
def test_every_variable_is_read_by_the_code(path: Path):
    assert not sorted(name for name in named.variables(path) if not is_variable(name))


@every_file
def test_every_port_is_listened_to_by_something(path: Path):
    assert not sorted(named.ports(path) - our_ports() - OTHERS_PORTS.keys())


@every_file
def test_every_path_is_in_the_repository(path: Path):
    assert not sorted(name for name in named.paths(path) if not (named.ROOT / name).exists())


@every_file
def test_every_module_is_there(path: Path):
    assert not sorted(m for m in named.modules(path) if importlib.util.find_spec(m) is None)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("trafficmon run scheduling --instance-id scheduler-%i", None),
        ("trafficmon topics init", None),
        ("trafficmon --version", None),
        ("trafficmon topics initialise", "no command initialise"),
        ("trafficmon run scheduler", "Invalid value for"),
        ("trafficmon run scheduling --instance 1", "No such option"),
    ],
)
def test_a_command_that_is_not_there_is_found(words: str, why: str | None):
    found = refused(words.split())
    assert found is None if why is None else found is not None and why in found


@pytest.mark.parametrize(
    ("variable", "exists"),
    [
        ("TRAFFICMON_SERVING__TOKEN", True),
        ("TRAFFICMON_LAKE__S3__SECRET", True),
        ("TRAFFICMON_LAKE_CATALOG", True),
        ("TRAFFICMON_INSTANCE_ID", True),
        ("TRAFFICMON_SERVING__TOCKEN", False),
        ("TRAFFICMON_NO_SUCH_THING", False),
    ],
)
def test_a_variable_that_nothing_reads_is_found(variable: str, exists: bool):
    assert is_variable(variable) is exists
