"""When an alert fires and when it resolves. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

State = Literal["firing", "resolved"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What was measured against a rule; `value` is None where there was nothing to measure."""

    rule: str
    value: float | None
    threshold: float
    unit: str
    about: str

    @property
    def breached(self) -> bool:
        """Above the threshold."""
        return self.value is not None and self.value > self.threshold

    @property
    def sentence(self) -> str:
        """The reading for a person."""
        if self.value is None:
            return f"{self.about}: nothing to measure"
        relation = "over" if self.breached else "within"
        seen, limit = _plain(self.value), _plain(self.threshold)
        return f"{self.about}: {seen}{self.unit}, {relation} {limit}{self.unit}"


@dataclass(frozen=True, slots=True)
class Change:
    """An alert that begins to fire or resolves."""

    reading: Reading
    state: State


def changes(readings: Iterable[Reading], states: Mapping[str, str]) -> list[Change]:
    """What is new since `states` (by rule); no repeat while firing, none without a measurement."""
    new = []
    for reading in readings:
        firing = states.get(reading.rule) == "firing"
        if reading.value is not None and reading.breached != firing:
            new.append(Change(reading, "firing" if reading.breached else "resolved"))
    return new


def _plain(value: float) -> str:
    return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
