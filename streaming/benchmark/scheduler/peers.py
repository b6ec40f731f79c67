"""LiteLLM's router under the same keys, limits and provider, for `--peers`."""

import json
import math
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from streaming.benchmark.scheduler.load import Load
from streaming.benchmark.scheduler.processes import Fleet
from streaming.benchmark.scheduler.surroundings import Say
from streaming.benchmark.scheduler.truth import Counts, Truth
from streaming.errors import ServiceError
from streaming.settings import Settings
from streaming.simulator import provider

VERSION = "1.110.2"
ENVIRONMENT = Path(".venv-litellm")
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "defaults": {},
    # Of those tried: least-busy and usage-based-routing-v2 with the same cooldown did less.
    "cooldown 1 s, 3 retries": {"cooldown_time": 1, "num_retries": 3},
}

_SCRIPT = Path(__file__).parents[1] / "peers" / "litellm_router.py"
_CONCURRENCY = 1.5
_PAUSE_AFTER_FAILURE_S = 0.5
_START_TIMEOUT_S = 60.0
_INSTALL_TIMEOUT_S = 900.0
_SPARE_S = 120.0
_PASSED_ON = ("PATH", "HOME", "LANG")


def prepare(say: Say) -> Path:
    """The Python of LiteLLM's own environment, made if it is not there.

    Raises:
        ServiceError: there is no uv, or it cannot install LiteLLM.
    """
    python, ready = ENVIRONMENT / "bin" / "python", ENVIRONMENT / f".litellm-{VERSION}"
    if ready.exists():
        return python
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is None:
        raise ServiceError("--peers needs uv for an environment of LiteLLM's own: `make setup`")
    say(f"installing litellm {VERSION} into {ENVIRONMENT}")
    for command in (
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(ENVIRONMENT)],
        [uv, "pip", "install", "--quiet", "--python", str(python), f"litellm=={VERSION}"],
    ):
        try:
            subprocess.run(command, check=True, timeout=_INSTALL_TIMEOUT_S)
        except (subprocess.SubprocessError, OSError) as exc:
            raise ServiceError(f"litellm {VERSION} could not be installed: {exc}") from exc
    ready.touch()
    return python


def litellm(
    python: Path, settings: Settings, load: Load, folder: Path, say: Say
) -> Iterator[dict[str, Any]]:
    """A result for each of `SETTINGS`. `settings` are isolated already."""
    for name, router in SETTINGS.items():
        say(f"LiteLLM {VERSION}, {name}: {load.warm_up_s + load.measured_s:g} s")
        with Fleet(folder) as fleet:
            fleet.start("simulator", provider.run, settings)
            truth = Truth(settings.simulator.port)
            truth.wait(_START_TIMEOUT_S)
            asked = _asked(settings, load, router)
            figures = _measured(python, asked, truth, load, folder / "litellm.log")
        head = {"peer": "litellm", "version": VERSION, "setting": name}
        yield head | figures | {"concurrency": asked["concurrency"]}


def _asked(settings: Settings, load: Load, router: Mapping[str, Any]) -> dict[str, Any]:
    median_s = settings.simulator.latency_median_ms / 1000
    return {
        "base_url": settings.provider.base_url,
        "secrets": [key.key.get_secret_value() for key in settings.api_keys],
        "rpm": load.rpm,
        "router": dict(router),
        # As many callers as use the limit with something to spare: it has no queue of its own.
        "concurrency": math.ceil(load.limit_per_s * median_s * _CONCURRENCY),
        "pause_after_failure_s": _PAUSE_AFTER_FAILURE_S,
        "image_bytes": load.image_bytes,
        "warm_up_s": load.warm_up_s,
        "measured_s": load.measured_s,
    }


def _measured(
    python: Path, asked: dict[str, Any], truth: Truth, load: Load, log_file: Path
) -> dict[str, Any]:
    longest_s = load.warm_up_s + load.measured_s + _SPARE_S
    with _process([str(python), str(_SCRIPT)], log_file, longest_s) as process:
        if process.stdin is None or process.stdout is None:
            raise ServiceError("LiteLLM's process has no pipes")
        process.stdin.write(json.dumps(asked))
        process.stdin.close()
        _event(process.stdout.readline(), log_file)
        before = truth.counts()
        end = _event(process.stdout.readline(), log_file)
        return _figures(before, truth.counts(), end, load)


def _figures(before: Counts, after: Counts, end: Mapping[str, Any], load: Load) -> dict[str, Any]:
    calls = after.accepted - before.accepted
    per_s = calls / (after.at - before.at)
    return {
        "calls_per_s": round(per_s, 2),
        "share_of_limit": round(per_s / load.limit_per_s, 4),
        "http_429": after.http_429,
        "success_rate": round(end["successes"] / end["requests"], 5) if end["requests"] else None,
        "cpu_ms_per_call": round(end["cpu_s"] * 1000 / calls, 3) if calls else None,
        "rss_mb": end["rss_mb"],
        "requests": end["requests"],
    }


def _event(line: str, log_file: Path) -> dict[str, Any]:
    if not line:
        said = log_file.read_text(errors="replace").strip().splitlines()[-1:]
        raise ServiceError(f"LiteLLM's process ended early: {said}")
    found: dict[str, Any] = json.loads(line)
    return found


@contextmanager
def _process(
    command: list[str], log_file: Path, longest_s: float
) -> Iterator["subprocess.Popen[str]"]:
    """The peer, with nothing of our environment; gone at the end, or after so long."""
    kept = {name: value for name, value in os.environ.items() if name in _PASSED_ON}
    with log_file.open("w") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
            env=kept | {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "CRITICAL"},
        )
    watchdog = threading.Timer(longest_s, process.kill)
    watchdog.start()
    try:
        yield process
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()
