"""What an account may send, and by how much its windows are widened. Pure."""

from dataclasses import dataclass, field
from math import floor

import msgspec

from streaming.scheduling.throttle import Throttle

MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Budget:
    """The most an account may send: calls in any rolling second (`qps`) and minute (`rpm`).

    `tpm` counts tokens in any minute, `in_flight` calls under way at once; None: no limit.
    """

    qps: float
    rpm: int
    tpm: int | None = None
    in_flight: int | None = None

    @property
    def rate(self) -> float:
        """Calls a second that can be kept up."""
        return min(self.qps, self.rpm / MINUTE_S)

    def shared_with(self, other: "Budget") -> "Budget":
        """Two keys of one account that disagree about its limits: the smaller of each holds."""
        return Budget(
            min(self.qps, other.qps),
            min(self.rpm, other.rpm),
            _smaller(self.tpm, other.tpm),
            _smaller(self.in_flight, other.in_flight),
        )

    def part(self, instances: int) -> "Budget":
        """The fair share of one of so many instances, never nothing."""
        return Budget(
            self.qps / instances,
            max(1, self.rpm // instances),
            None if self.tpm is None else max(1, self.tpm // instances),
            None if self.in_flight is None else max(1, self.in_flight // instances),
        )


class Lesson(msgspec.Struct, frozen=True, array_like=True):
    """A figure that 429s teach: up by `step` with each, back to `floor` by half each half-life.

    So it grows by addition and shrinks by multiplication, as TCP's window does the other way
    round. At most one step a second: calls refused together are one lesson.
    """

    floor: float
    start: float
    step: float
    cap: float
    half_life_s: float = 600.0

    def value(self, learnt: float, learnt_at: float | None, now: float) -> float:
        """The figure now, if `learnt` was true at `learnt_at` (None: nothing learnt yet)."""
        if learnt_at is None:
            return self.start
        halves = max(0.0, now - learnt_at) / self.half_life_s
        return float(self.floor + (learnt - self.floor) * 2.0**-halves)


class Lessons(msgspec.Struct, frozen=True, array_like=True):
    """What is learnt of each account: two margins in seconds, and a share of its tokens.

    Calls reach the provider with jitter, so windows are planned wider than they are. 15 ms cost
    1.5 % of a second; with none 8 % of the calls were refused, with 10 ms and more none
    (docs/scheduling.md). A quarter of a second costs 0.4 % of a minute.
    """

    second_s: Lesson = Lesson(0.010, 0.015, 0.005, 0.25)
    minute_s: Lesson = Lesson(0.25, 0.25, 0.25, 5.0)
    tokens: Lesson = Lesson(0.0, 0.0, 0.1, 0.5)


TAUGHT_BY: dict[str, tuple[int, ...]] = {
    Throttle.BURST: (0,),
    Throttle.REQUESTS: (1,),
    Throttle.TOKENS: (2,),
    Throttle.UNKNOWN: (0, 1),
}
"""By the cause of a 429: which of `Lessons`, in their order."""


@dataclass(frozen=True, slots=True)
class Pacing:
    """How calls are spread: `burst` may follow at once after a rest, then one each interval.

    Without `smooth` only the windows count: a second's calls may go at once, and a minute's in
    a few seconds.
    """

    smooth: bool = True
    burst: int = 3
    lessons: Lessons = field(default_factory=Lessons)


class Rule(msgspec.Struct, frozen=True, array_like=True):
    """A budget and its pacing as both kinds of limits apply them, in seconds and calls.

    `phase` 0..1 sets accounts apart that start at the same moment. 0 tokens or calls in flight
    is no limit.
    """

    per_second: int
    second_s: float
    rpm: int
    tpm: int
    in_flight: int
    smooth: bool
    burst: int
    phase: float
    lessons: Lessons

    @classmethod
    def of(cls, budget: Budget, pacing: Pacing, phase: float = 0.0) -> "Rule":
        """A `qps` below 1 is one call in 1/qps seconds; a fraction above it is rounded down."""
        return cls(
            per_second=max(1, floor(budget.qps + 1e-9)),
            second_s=1.0 if budget.qps >= 1 else 1.0 / budget.qps,
            rpm=budget.rpm,
            tpm=budget.tpm or 0,
            in_flight=budget.in_flight or 0,
            smooth=pacing.smooth,
            burst=pacing.burst,
            phase=phase,
            lessons=pacing.lessons,
        )

    def interval_s(self, second_margin_s: float, minute_margin_s: float) -> float:
        """From one call to the next when calls are spread evenly."""
        if not self.smooth:
            return 0.0
        return max(
            (self.second_s + second_margin_s) / self.per_second,
            (MINUTE_S + minute_margin_s) / self.rpm,
        )


def _smaller(one: int | None, other: int | None) -> int | None:
    return min((v for v in (one, other) if v is not None), default=None)
