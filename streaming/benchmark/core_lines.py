"""Model each process's cores as a linear function of its load, fitted to measured runs. Pure.

One run alone gives a line through nothing, which says too little of small systems, where what a
process takes at rest counts, and about enough of large ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal

Driver = Literal["frames", "tasks", "messages"]

DRIVERS: Mapping[str, Driver] = {
    "detection": "frames",
    "tasks": "frames",
    "scheduling": "tasks",
    "aggregation": "messages",
    "api": "messages",
    "kafka": "messages",
    "redis": "messages",
}
"""What is planned. The simulator and the benchmark's own process are not part of a system."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Load per second."""

    frames: float
    tasks: float

    def of(self, driver: Driver) -> float:
        """The rate that drives a process."""
        return {
            "frames": self.frames,
            "tasks": self.tasks,
            "messages": self.frames + self.tasks,
        }[driver]


@dataclass(frozen=True, slots=True)
class Line:
    """Cores = fixed + each x rate."""

    fixed: float
    each: float

    def at(self, rate: float) -> float:
        return self.fixed + self.each * rate


def fitted(reports: Sequence[Mapping[str, Any]]) -> dict[str, Line]:
    """The line of each process that every run has."""
    return {
        name: fit([(rates_of(r).of(driver), cores_of(r)[name]) for r in reports])
        for name, driver in DRIVERS.items()
        if all(name in cores_of(r) for r in reports)
    }


def fit(points: Sequence[tuple[float, float]]) -> Line:
    """Least squares, with a fixed part of at least nothing; one point: a line through nothing."""
    middle = fmean(x for x, _ in points)
    spread = sum((x - middle) ** 2 for x, _ in points)
    if spread > 0:
        level = fmean(y for _, y in points)
        each = sum((x - middle) * (y - level) for x, y in points) / spread
        if each >= 0 and level - each * middle >= 0:
            return Line(level - each * middle, each)
    square = sum(x * x for x, _ in points)
    return Line(0.0, sum(x * y for x, y in points) / square if square else 0.0)


@dataclass(frozen=True, slots=True)
class Checked:
    """The model against a run that it has not seen."""

    cameras: int
    predicted_cores: float
    measured_cores: float

    @property
    def off(self) -> float:
        """0.1: the model says a tenth too much."""
        return self.predicted_cores / self.measured_cores - 1


def check(reports: Sequence[Mapping[str, Any]]) -> list[Checked]:
    """Each run, by its own rates, predicted from all the others."""
    found = []
    for left_out in reports:
        lines = fitted([report for report in reports if report is not left_out])
        rates, cores = rates_of(left_out), cores_of(left_out)
        names = [name for name in lines if name in cores]
        found.append(
            Checked(
                cameras=left_out["settings"]["cameras"],
                predicted_cores=sum(lines[n].at(rates.of(DRIVERS[n])) for n in names),
                measured_cores=sum(cores[name] for name in names),
            )
        )
    return found


def result_of(report: Mapping[str, Any]) -> Mapping[str, Any]:
    """The one result of a report of `bench pipeline`."""
    (result,) = report["results"]
    found: Mapping[str, Any] = result
    return found


def rates_of(report: Mapping[str, Any]) -> Rates:
    """What came in a second in a run."""
    result = result_of(report)
    return Rates(result["frames_per_s"], result["tasks_per_s"])


def cores_of(report: Mapping[str, Any]) -> dict[str, float]:
    """The cores of each process of a run."""
    used = result_of(report)["resources"]["processes"]
    return {name: use["cores"] for name, use in used.items() if use["cores"] is not None}
