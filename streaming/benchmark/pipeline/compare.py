"""Compare two runs: what changed, and whether by more than noise. Pure.

Noise comes from inside the runs. Each is cut into ten equal portions; a figure has a value in
each, and their spread (the median distance from their median, times 1.4826, which is the standard
deviation where they scatter normally) says how far the figure wanders by itself. A change counts
when it is larger than twice the spreads of both runs together, and than 5 % of the older value:
two runs differ by more than each of them does inside.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import hypot
from statistics import median
from typing import Any

from streaming.benchmark.pipeline.figures import STAGES

_TO_SIGMA = 1.4826
_SPREADS = 2.0
_LEAST_SHARE = 0.05
_LEAST_MS = 5.0
_RATE_NOISE = 0.001

SAME_SETTINGS = (
    "cameras", "interval_s", "source", "provider", "keys", "qps", "rpm", "gate", "against_running",
)  # fmt: skip
"""Runs are comparable where these and the machine are the same."""


@dataclass(frozen=True, slots=True)
class Change:
    """One figure; `noise` is the difference up to which it means nothing, in the figure's unit."""

    figure: str
    old: float
    new: float
    noise: float

    @property
    def beyond_noise(self) -> bool:
        return abs(self.new - self.old) > self.noise

    @property
    def worse(self) -> bool:
        """Beyond noise, and in the wrong direction: rates should be high, times low."""
        lower = self.new < self.old
        return self.beyond_noise and (lower if self.figure in HIGH_IS_GOOD else not lower)

    @property
    def sentence(self) -> str:
        """The change for people."""
        verdict = ("worse" if self.worse else "better") if self.beyond_noise else "within noise"
        share = f" ({(self.new - self.old) / self.old:+.1%})" if self.old else ""
        return f"{self.figure}: {readable(self.old)} to {readable(self.new)}{share}, {verdict}"


HIGH_IS_GOOD = frozenset({"frames_per_s", "success_rate"})

_PATHS: dict[str, tuple[str, ...]] = {
    "end_to_end_ms p50": ("end_to_end_ms", "p50"),
    "end_to_end_ms p95": ("end_to_end_ms", "p95"),
    "provider_ms p50": ("provider_ms", "p50"),
    **{f"{stage} p50": ("stages_ms", stage, "p50") for stage in STAGES if stage != "provider"},
    "frames_per_s": ("frames_per_s",),
}


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """Every figure that both results have. `old` and `new` are results of reports."""
    return compare_with_many([old], new)


def compare_with_many(olds: Sequence[Mapping[str, Any]], new: Mapping[str, Any]) -> list[Change]:
    """The same against the median of several runs; what lies between those runs is noise too."""
    found = []
    for figure, path in _PATHS.items():
        after = _at(new, path)
        before = [value for value in (_at(old, path) for old in olds) if value is not None]
        if before and after is not None:
            inside = median(spread(_series(old, path)) for old in olds)
            own = spread(_series(new, path))
            noise = _noise(figure, median(before), (hypot(inside, own), spread(before)))
            found.append(Change(figure, median(before), after, noise))
    rates = [old["success_rate"] for old in olds if old["success_rate"] is not None]
    if rates and new["success_rate"] is not None:
        found.append(Change("success_rate", median(rates), new["success_rate"], _RATE_NOISE))
    return found


def differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What makes two reports incomparable: settings and the machine, in words."""
    found = [
        f"{name}: {old['settings'].get(name)} and {new['settings'].get(name)}"
        for name in SAME_SETTINGS
        if old["settings"].get(name) != new["settings"].get(name)
    ]
    if machine_of(old) != machine_of(new):
        found.append(f"machine: {machine_of(old)} and {machine_of(new)}")
    return found


def machine_of(report: Mapping[str, Any]) -> str:
    """The machine in a line: what runs are grouped by."""
    machine = report["machine"]
    return f"{machine['system']}, {machine['cores']} cores, {machine['memory_gb']:g} GB"


def readable(value: float) -> str:
    """79,374 and 0.9866."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def spread(values: Sequence[float]) -> float:
    """The spread of values; 0 for fewer than two."""
    if len(values) < 2:
        return 0.0
    middle = median(values)
    return _TO_SIGMA * median(abs(value - middle) for value in values)


def _noise(figure: str, old: float, spreads: Iterable[float]) -> float:
    least = abs(old) * _LEAST_SHARE
    if "p50" in figure or "p95" in figure:
        least = max(least, _LEAST_MS)
    return max(_SPREADS * max(spreads), least)


def _series(result: Mapping[str, Any], path: Sequence[str]) -> list[float]:
    values = (_at(portion, path) for portion in result["portions"])
    return [value for value in values if value is not None]


def _at(figures: Mapping[str, Any], path: Sequence[str]) -> float | None:
    value: Any = figures
    for name in path:
        if not isinstance(value, Mapping) or value.get(name) is None:
            return None
        value = value[name]
    return float(value)
