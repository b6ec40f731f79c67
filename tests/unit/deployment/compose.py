"""The two Compose files as they are read, with their anchors merged. Pure."""

import re
from typing import Any

import yaml

from tests.unit.deployment.named import DEPLOYMENT

INFRA = DEPLOYMENT / "docker-compose.infra.yml"
STREAMING = DEPLOYMENT / "docker-compose.streaming.yml"
EXAMPLE = DEPLOYMENT / ".env.example"

_ASSIGNED = re.compile(r"^([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)
_VARIABLE = re.compile(r"(?<!\$)\$\{([A-Z][A-Z0-9_]*)(?:(:[-?])((?:[^{}]|\$\{[^{}]*\})*))?\}")

INFRA_SERVICES: dict[str, Any] = yaml.safe_load(INFRA.read_text())["services"]
STREAMING_SERVICES: dict[str, Any] = yaml.safe_load(STREAMING.read_text())["services"]
SERVICES = INFRA_SERVICES | STREAMING_SERVICES


def example() -> dict[str, str]:
    """Variables of .env.example with their values."""
    return dict(_ASSIGNED.findall(EXAMPLE.read_text()))


def asked_for(text: str) -> set[str]:
    """Names of the variables that a Compose file fills in, also within another's default."""
    found = set()
    for name, _, default in _VARIABLE.findall(text):
        found |= {name} | asked_for(default)
    return found


def filled(text: str, variables: dict[str, str]) -> str:
    """The text as Compose fills it in: `${A:-default}`, `${A:?message}` and `$$`."""

    def value(found: re.Match[str]) -> str:
        given = variables.get(found[1], "")
        return given or (filled(found[3], variables) if found[2] == ":-" else "")

    return _VARIABLE.sub(value, str(text)).replace("$$", "$")


def environment(service: str, variables: dict[str, str]) -> dict[str, str]:
    """A service's variables, filled in."""
    given = SERVICES[service].get("environment", {})
    return {name: filled(text, variables) for name, text in given.items()}
