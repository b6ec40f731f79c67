"""The process that a benchmark or probe of Dagster is: told what to do through Pipes.

    python -m trafficmon_dagster.defs.benchmarks.process

It ends by itself: when its time is over, and when the run that started it is gone (a run worker
that was killed tells nobody). Whatever it started ends with it.
"""

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster_pipes import PipesContext, open_dagster_pipes

if TYPE_CHECKING:
    from streaming.settings import Settings

MODULE = "trafficmon_dagster.defs.benchmarks.process"
SAY_EVERY_S = 30.0

_LOOK_S = 0.5
_END_S = 90.0


def main() -> None:
    """One task, by what Pipes says."""
    # A Dagster that a script started in its background hands on that SIGINT is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with open_dagster_pipes() as pipes:
        end_by_itself(pipes.extras["deadline_s"])
        tasks: dict[str, Callable[[PipesContext, Settings], None]] = {
            "benchmark": _benchmark,
            "probe": _probe,
        }
        tasks[pipes.extras["task"]](pipes, _settings(pipes.extras["config_dir"]))


def end_by_itself(deadline_s: float) -> None:
    """SIGTERM to this process after so long, or once its parent is gone; then by force."""
    parent, until_s = os.getppid(), time.monotonic() + deadline_s

    def watch() -> None:
        while os.getppid() == parent and time.monotonic() < until_s:
            time.sleep(_LOOK_S)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_END_S)
        os._exit(1)

    threading.Thread(target=watch, name="deadline", daemon=True).start()


def _settings(config_dir: str | None) -> "Settings":
    from streaming.settings import load

    return load(Path(config_dir) if config_dir else None)


def _benchmark(pipes: PipesContext, settings: "Settings") -> None:
    from streaming.benchmark.pipeline.load import Load
    from streaming.benchmark.pipeline.measure import measure
    from streaming.benchmark.pipeline.written import write_beside

    report_file = Path(pipes.extras["report_file"])
    report = measure(settings, Load(**pipes.extras["load"]), pipes.log.info, _now_and_then(pipes))
    report.write(report_file)
    write_beside(report.as_dict(), report_file)


def _probe(pipes: PipesContext, settings: "Settings") -> None:
    from streaming.probe.probe import probe
    from streaming.probe.promises import broken, verdict

    asked = pipes.extras
    found = probe(
        settings,
        asked["camera_id"],
        asked["source"],
        duration_s=asked["duration_s"],
        say=pipes.log.info,
    )
    told: dict[str, Any] = {
        "promises": [asdict(promise) for promise in found.promises],
        "verdict": verdict(found.promises),
        "kept": broken(found.promises) is None,
    }
    pipes.report_custom_message(told)


def _now_and_then(pipes: PipesContext) -> Callable[[float, str], None]:
    """A line of live figures in the run's log, every half minute."""
    next_s = 0.0

    def progress(passed_s: float, line: str) -> None:
        nonlocal next_s
        if passed_s >= next_s:
            next_s = passed_s + SAY_EVERY_S
            pipes.log.info(line)

    return progress


if __name__ == "__main__":
    main()
