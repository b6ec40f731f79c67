"""The one form of every benchmark's report: {name, settings, versions, machine, results}."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

PACKAGES = (
    "trafficmon", "confluent-kafka", "redis", "openvino", "ultralytics-opencv-headless", "duckdb",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured, with which settings, where and when."""

    name: str
    settings: Mapping[str, Any]
    results: Sequence[Mapping[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "settings": dict(self.settings),
            "versions": {"python": platform.python_version()} | _versions(),
            "machine": machine(),
            "results": [dict(result) for result in self.results],
        }

    def write(self, path: Path) -> None:
        """The report as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.as_dict(), indent=2) + "\n", encoding="utf-8")


def flat(result: Mapping[str, Any]) -> dict[str, Any]:
    """The same figures with the names of their parts joined: `wait_ms p95`."""
    found: dict[str, Any] = {}
    for name, value in result.items():
        if isinstance(value, Mapping):
            found |= {f"{name} {part}": inner for part, inner in flat(value).items()}
        else:
            found[name] = value
    return found


def machine() -> dict[str, Any]:
    """What a figure depends on: cores, memory, and what else ran at that moment."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "load_1_min": round(os.getloadavg()[0], 2),
    }


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
