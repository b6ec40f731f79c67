"""What the alert sensors look at, each with a bound on its time. Nothing here consumes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from trafficmon_dagster.defs.alerts.states import Reading


@dataclass(frozen=True, slots=True)
class Sight:
    """What was measured; `notes` are kept for the next look, `problem` is why something lacks.

    `blind`: what was asked did not answer, so that what is not here may be there all the same.
    """

    readings: tuple[Reading, ...]
    notes: Mapping[str, int] = field(default_factory=dict)
    problem: str = ""
    blind: bool = False


def reachable(service: str) -> Reading:
    """The service answers."""
    return Reading("service_unreachable", 0, {"service": service})


def unreachable(service: str, why: str) -> Sight:
    """The service does not answer; nothing else is known."""
    away = Reading("service_unreachable", 1, {"service": service}, why)
    return Sight((away,), problem=why, blind=True)
