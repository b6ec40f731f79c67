"""What can be played on a stage, by the name of `--scenario`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from streaming.benchmark.scheduler import faults, kill, outage, steady
from streaming.benchmark.scheduler.load import Scenario
from streaming.benchmark.scheduler.stage import Stage
from streaming.settings import Settings


@dataclass(frozen=True, slots=True)
class Play:
    """The settings it wants, what it does, how many instances it needs."""

    adjusted: Callable[[Settings], Settings]
    run: Callable[[Stage], dict[str, Any]]
    least_instances: int = 1


PLAYS: Mapping[Scenario, Play] = {
    "steady": Play(steady.adjusted, steady.run),
    "faults": Play(faults.adjusted, faults.run),
    "outage": Play(outage.adjusted, outage.run),
    "kill": Play(kill.adjusted, kill.run, least_instances=2),
}
