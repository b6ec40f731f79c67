"""The life of one camera: opening, online, offline and tried again. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Literal

CameraStatus = Literal["opening", "online", "offline"]

_STEADY_S = 10.0
"""A camera that was online for less gets no fresh start of its backoff."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds between tries: doubling from `min_s` to `max_s`, a quarter more or less."""

    min_s: float = 1.0
    max_s: float = 30.0

    def delay_s(self, failures: int, random: Random) -> float:
        """The wait after the n-th failure in a row, n from 1."""
        planned = min(self.max_s, self.min_s * 2.0 ** min(failures - 1, 30))
        return min(self.max_s, max(self.min_s, planned * random.uniform(0.75, 1.25)))


@dataclass(frozen=True, slots=True)
class CameraState:
    """How a camera is, and since when; `retry_in_s` counts from `since` or the last failure."""

    status: CameraStatus
    since: datetime
    error: str | None = None
    failures: int = 0
    retry_in_s: float = 0.0


def started(now: datetime) -> CameraState:
    """A camera that is about to be opened for the first time."""
    return CameraState("opening", since=now)


def opened(state: CameraState, now: datetime) -> CameraState:
    """The first frame came."""
    if state.status == "online":
        return state
    return CameraState("online", since=now, failures=state.failures)


def failed(
    state: CameraState, error: str, now: datetime, *, backoff: Backoff, random: Random
) -> CameraState:
    """The camera did not open, or stopped giving frames: offline until the next try succeeds."""
    steady = state.status == "online" and (now - state.since).total_seconds() >= _STEADY_S
    failures = 1 if steady else state.failures + 1
    return replace(
        state,
        status="offline",
        since=state.since if state.status == "offline" else now,
        error=error,
        failures=failures,
        retry_in_s=backoff.delay_s(failures, random),
    )
