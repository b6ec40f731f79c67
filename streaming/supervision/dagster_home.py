"""Dagster's instance folder, with a `dagster.yaml` that says what `serving.dagster` does.

    python -m streaming.supervision.dagster_home /var/lib/trafficmon/dagster

writes it for a Dagster that something else starts: systemd, a container.
"""

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from streaming.settings import Settings, load

TEMPLATE = Path(__file__).parents[2] / "trafficmon_dagster" / "instance" / "dagster.yaml"
HEAD = "# Written at each start from serving.dagster.*; without this line it is yours.\n"
_RELEASED = "47f0dd92c529c043aaa4dfe1ee7b1de154e8e9a86855f160a3e98fec01344fb9"
"""SHA-256 of what 0.1.0 put there: replaced as long as nobody has changed it."""


def prepare_dagster_home(settings: Settings, say: Callable[[str], None] = lambda _: None) -> Path:
    """The folder, in the state folder; a `dagster.yaml` that somebody made their own stays."""
    home = settings.state_dir.absolute() / "dagster"
    if not write(settings, home):
        say(f"{home / 'dagster.yaml'} is your own: serving.dagster.* does not change it")
    return home


def write(settings: Settings, home: Path) -> bool:
    """Write `dagster.yaml` into a folder; False where somebody made one of their own."""
    home.mkdir(parents=True, exist_ok=True)
    file = home / "dagster.yaml"
    if file.exists() and not _is_ours(file.read_text(encoding="utf-8")):
        return False
    file.write_text(rendered(settings), encoding="utf-8")
    return True


def rendered(settings: Settings) -> str:
    """The template with these settings in it."""
    wanted = settings.serving.dagster
    instance: dict[str, Any] = yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))
    instance["concurrency"]["runs"]["max_concurrent_runs"] = wanted.max_concurrent_runs
    instance["run_monitoring"]["max_runtime_seconds"] = wanted.max_run_seconds
    instance["sensors"]["num_workers"] = wanted.sensor_threads
    ticks = instance["retention"]["sensor"]["purge_after_days"]
    ticks |= {"failure": wanted.keep_ticks_days, "success": wanted.keep_ticks_days}
    return HEAD + yaml.safe_dump(instance, sort_keys=False)


def _is_ours(text: str) -> bool:
    return text.startswith(HEAD) or hashlib.sha256(text.encode()).hexdigest() == _RELEASED


if __name__ == "__main__":
    write(load(), Path(sys.argv[1]))
