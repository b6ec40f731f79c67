"""The life of one camera: opening, online, degraded, offline and tried again. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Literal

CameraStatus = Literal["opening", "online", "degraded", "offline"]

_STEADY_S = 10.0
"""A camera that was online for less gets no fresh start of its backoff."""

_IN_TIME, _LATE, _FAILED = 0.5, 0.8, 0.5
"""What a frame in time gains of the score that is missing; what a late one and a failure keep."""

_POOR, _GOOD = 0.5, 0.7
"""Below, a camera becomes degraded; from here on it is online again. Between, it stays as it is."""


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
    """How a camera is, and since when; `retry_in_s` counts from the last failure.

    `score`, 0 to 1, is how far its connection is to be trusted: 1 for frames that all come in
    time. `tries` are failures since the last frame, `failures` those since it was steady.
    """

    status: CameraStatus
    since: datetime
    error: str | None = None
    failures: int = 0
    tries: int = 0
    retry_in_s: float = 0.0
    score: float = 1.0


def started(now: datetime) -> CameraState:
    """A camera that is about to be opened for the first time."""
    return CameraState("opening", since=now)


def framed(state: CameraState, now: datetime, *, late: bool = False) -> CameraState:
    """A frame came; `late` if that took longer than the interval.

    The first one makes a camera online. One that failed or is often late is degraded until its
    score is over 0.7: two frames in time.
    """
    score = state.score * _LATE if late else state.score + (1.0 - state.score) * _IN_TIME
    if state.status == "opening" and state.failures == 0:
        score = 1.0
    enough = _GOOD if state.status in ("degraded", "offline") else _POOR
    status: CameraStatus = "online" if score >= enough else "degraded"
    same = status == state.status
    return replace(
        state,
        status=status,
        since=state.since if same else now,
        error=None if status == "online" else state.error,
        failures=0 if _steady(state, now) else state.failures,
        tries=0,
        score=round(score, 4),
    )


def failed(
    state: CameraState, error: str, now: datetime, *, backoff: Backoff, random: Random
) -> CameraState:
    """The camera did not open, or stopped giving frames.

    One that gave frames until now is degraded at first, and offline when the next try fails too:
    a connection that breaks off and is there again a second later is no outage.
    """
    failures = 1 if _steady(state, now) else state.failures + 1
    first = state.status in ("online", "degraded") and state.tries == 0
    status: CameraStatus = "degraded" if first else "offline"
    return replace(
        state,
        status=status,
        since=state.since if state.status == status else now,
        error=error,
        failures=failures,
        tries=state.tries + 1,
        retry_in_s=backoff.delay_s(failures, random),
        score=round(state.score * _FAILED, 4),
    )


def ended(state: CameraState, reason: str, now: datetime) -> CameraState:
    """A file that is played once is over: offline, and not tried again."""
    return replace(state, status="offline", since=now, error=reason, retry_in_s=0.0, score=0.0)


def _steady(state: CameraState, now: datetime) -> bool:
    return state.status == "online" and (now - state.since).total_seconds() >= _STEADY_S
