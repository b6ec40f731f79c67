"""What keys carry and what cameras need, from rates that were measured. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

_ROUNDING = 1e-9
_MINUTES_A_DAY = 1440


@dataclass(frozen=True, slots=True)
class Demand:
    """What one camera asks for: calls of a camera and minute on average, and how much more at peak.

    `peak_factor` is at least 1; `call_s` is a call's mean duration; cost is in the provider's
    currency.
    """

    calls_per_camera_minute: float
    peak_factor: float
    tokens_per_call: float
    call_s: float
    cost_per_call: float

    @property
    def peak(self) -> float:
        """Calls of a camera in a busy minute."""
        return self.calls_per_camera_minute * self.peak_factor


@dataclass(frozen=True, slots=True)
class Account:
    """One account of the provider and its limits; its keys share them."""

    name: str
    keys: int
    qps: float
    rpm: float
    tpm: float | None = None
    in_flight: int | None = None


@dataclass(frozen=True, slots=True)
class Carried:
    """Calls a minute that an account takes, and which of its limits is met first."""

    account: Account
    calls_per_minute: float
    bound_by: str


@dataclass(frozen=True, slots=True)
class Need:
    """What so many cameras need; `keys` counts keys that each have an account of their own."""

    cameras: int
    peak_calls_per_minute: float
    keys: int
    calls_under_way: int
    cost_a_day: float


@dataclass(frozen=True, slots=True)
class Plan:
    """Today's keys, what they carry, and what any number of cameras needs.

    `headroom` is the share of the limits that is to be used at peak, 0 to 1: the rest is for
    retries and for hours that are busier than those measured.
    """

    demand: Demand
    carried: tuple[Carried, ...]
    headroom: float

    @property
    def usable_calls_per_minute(self) -> float:
        return self.headroom * sum(c.calls_per_minute for c in self.carried)

    @property
    def cameras(self) -> int:
        """How many today's keys carry at peak."""
        return math.floor(self.usable_calls_per_minute / self.demand.peak + _ROUNDING)

    def need(self, cameras: int) -> Need:
        """Keys like today's on average, calls under way at peak (Little's law), and cost."""
        peak = cameras * self.demand.peak
        of_one = self.usable_calls_per_minute / len(self.carried)
        return Need(
            cameras,
            peak,
            math.ceil(peak / of_one - _ROUNDING),
            math.ceil(peak / 60 * self.demand.call_s - _ROUNDING),
            cameras * self.demand.calls_per_camera_minute * _MINUTES_A_DAY
            * self.demand.cost_per_call,
        )  # fmt: skip


def plan(demand: Demand, accounts: Sequence[Account], headroom: float) -> Plan:
    """For at least one account and a demand above zero."""
    return Plan(demand, tuple(carried(account, demand) for account in accounts), headroom)


def carried(account: Account, demand: Demand) -> Carried:
    """The limit that is met first decides."""
    limits = {"rpm_limit": account.rpm, "qps_limit": account.qps * 60}
    if account.tpm is not None and demand.tokens_per_call:
        limits["tpm_limit"] = account.tpm / demand.tokens_per_call
    if account.in_flight is not None and demand.call_s:
        limits["in_flight_limit"] = account.in_flight / demand.call_s * 60
    bound_by = min(limits, key=lambda name: limits[name])
    return Carried(account, limits[bound_by], bound_by)
