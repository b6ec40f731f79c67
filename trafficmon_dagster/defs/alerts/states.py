"""An alert as it is kept from one look to the next, and what changes. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

Labels = Mapping[str, str]
State = Literal["pending", "firing"]


@dataclass(frozen=True, slots=True)
class Reading:
    """One series of a metric, now; `detail` is what else is known, for a person."""

    metric: str
    value: float
    labels: Labels
    detail: str = ""


class Alert(msgspec.Struct, frozen=True, omit_defaults=True):
    """A rule that does not hold for one set of labels. All times are Unix times in s.

    `well_since` and `unmeasured_since` tell how long a firing alert has been on its way to being
    over; `told_at` is when somebody was last told of it.
    """

    rule: str
    metric: str
    labels: dict[str, str]
    state: State
    since: float
    value: float
    detail: str = ""
    fired_at: float | None = None
    well_since: float | None = None
    unmeasured_since: float | None = None
    told_at: float | None = None

    @property
    def id(self) -> str:
        """The rule and its labels: `kafka_lag{group=scheduling,topic=assessment-tasks}`."""
        return alert_id(self.rule, self.labels)


@dataclass(frozen=True, slots=True)
class Change:
    """An alert that fires or is over. `tell`: people are to hear of it; `keep`: it is a row in
    the lake. A reminder is only told; a change within a silence is only kept."""

    alert: Alert
    state: Literal["firing", "resolved"]
    at: float
    tell: bool
    keep: bool = True
    reminder: bool = False
    reason: str = ""


class Memory(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a sensor remembers from one look to the next; `notes` are its reader's own."""

    looked_at: float | None = None
    alerts: tuple[Alert, ...] = ()
    notes: dict[str, int] = {}


@dataclass(frozen=True, slots=True)
class Timing:
    """In s: how long an alert must be well to be over, and when to remind (0: never)."""

    resolve_after_s: float
    remind_after_s: float


@dataclass(frozen=True, slots=True)
class Look:
    """The outcome of one step; `left_out` alerts were one too many to keep."""

    memory: Memory
    changes: tuple[Change, ...]
    left_out: int = 0


class Silenced:
    """Which alerts nobody is to hear of now: by rule's name and labels."""

    def __init__(self, patterns: Iterable[tuple[str | None, Labels]] = ()) -> None:
        self._patterns = tuple(patterns)

    def __contains__(self, alert: object) -> bool:
        return isinstance(alert, Alert) and any(
            (rule is None or rule == alert.rule) and labels.items() <= alert.labels.items()
            for rule, labels in self._patterns
        )


def alert_id(rule: str, labels: Labels) -> str:
    """See `Alert.id`."""
    inside = ",".join(f"{name}={value}" for name, value in sorted(labels.items()))
    return f"{rule}{{{inside}}}" if inside else rule
