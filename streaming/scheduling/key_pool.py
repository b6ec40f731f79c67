"""Which keys may be used now, and in what order. Pure: `now` is seconds of a monotonic clock."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Literal

from streaming.errors import (
    BadAnswer,
    BadRequest,
    KeyRejected,
    ProviderError,
    Throttled,
)
from streaming.scheduling.stats import KeyStats, KeyStatus
from streaming.scheduling.throttle import Throttle

Strategy = Literal["least_loaded", "round_robin", "weighted"]

_RECENT = 20
_FEW = 6
_FIRST_PAUSE_S = 1.0
_MAX_PROBE_S = 3600.0


@dataclass(frozen=True, slots=True)
class Cooldown:
    """How long a key rests, in seconds.

    One refusal costs a second, as long as the provider's own window. Only a key most of whose
    recent calls failed cools: `fixed_s`, or with `adaptive` between `min_s` and `max_s`
    by the share that failed.
    """

    adaptive: bool = True
    fixed_s: float = 60.0
    min_s: float = 10.0
    max_s: float = 120.0
    probe_after_s: float = 60.0


@dataclass(frozen=True, slots=True)
class PoolKey:
    """A key as the pool knows it: never the secret. `weight` is for the strategy "weighted"."""

    id: str
    weight: float = 1.0


@dataclass(slots=True)
class _State:
    key: PoolKey
    order: int
    in_flight: int = 0
    calls: int = 0
    successes: int = 0
    last_used: float = -inf
    rests_until: float = -inf
    pauses: int = 0
    disabled: bool = False
    probe_at: float = inf
    probe_wait_s: float = 0.0
    last_error: str | None = None
    recent: deque[bool] = field(default_factory=lambda: deque(maxlen=_RECENT))

    @property
    def failed_share(self) -> float:
        return self.recent.count(False) / len(self.recent) if self.recent else 0.0

    def status(self, now: float) -> KeyStatus:
        if self.disabled:
            return "disabled"
        return "cooling" if now < self.rests_until else "available"


class KeyPool:
    """States of all keys: available, cooling (a number of seconds left), disabled."""

    def __init__(
        self,
        keys: Sequence[PoolKey],
        *,
        cooldown: Cooldown | None = None,
        strategy: Strategy = "least_loaded",
    ) -> None:
        self._cooldown = cooldown or Cooldown()
        self._states = {key.id: _State(key, order) for order, key in enumerate(keys)}
        self._rank = _RANKS[strategy]

    @property
    def usable(self) -> bool:
        """Whether any key is not disabled."""
        return any(not s.disabled for s in self._states.values())

    def candidates(self, now: float, avoid: frozenset[str] = frozenset()) -> list[str]:
        """Available keys, the one to use first in front; `avoid` only while others are left.

        A key to be avoided is waited around as long as another one is not disabled, even if
        that one cools: a retry on the key that just failed would likely fail again.
        """
        ready = [s for s in self._states.values() if s.status(now) == "available"]
        others = any(not s.disabled for s in self._states.values() if s.key.id not in avoid)
        chosen = [s for s in ready if s.key.id not in avoid] if others else ready
        return [s.key.id for s in sorted(chosen, key=self._rank)]

    def next_change(self, now: float) -> float:
        """When the next cooling key is available again; infinite if none cools."""
        return min(
            (
                s.rests_until
                for s in self._states.values()
                if not s.disabled and s.rests_until > now
            ),
            default=inf,
        )

    def started(self, key_id: str, now: float) -> None:
        """A call with this key is under way."""
        state = self._states[key_id]
        state.in_flight += 1
        state.calls += 1
        state.last_used = now

    def succeeded(self, key_id: str) -> None:
        """The call brought an answer."""
        state = self._states[key_id]
        state.in_flight -= 1
        state.successes += 1
        state.recent.append(True)
        state.pauses = 0

    def abandoned(self, key_id: str) -> None:
        """The call was given up by us: says nothing about the key."""
        self._states[key_id].in_flight -= 1

    def unused(self, key_id: str) -> None:
        """The call was never made."""
        self._states[key_id].in_flight -= 1
        self._states[key_id].calls -= 1

    def failed(self, key_id: str, error: ProviderError, now: float) -> None:
        """The call ended in an error: rest the key, disable it, or neither."""
        state = self._states[key_id]
        state.in_flight -= 1
        state.last_error = f"{error.error_type}: {error}"
        match error:
            case KeyRejected():
                self._disable(state, now)
            case Throttled():
                state.recent.append(False)
                self._rest(state, error, now)
            case BadRequest() | BadAnswer():
                state.recent.append(True)  # the key is fine; the question or the answer is not
            case _:
                state.recent.append(False)
                if state.failed_share > 0.5 and len(state.recent) >= _FEW:
                    # Most likely the provider is down: be gentle, but back within seconds.
                    self._pause(state, now, longest_s=self._cooldown.min_s)

    def due_probes(self, now: float) -> tuple[str, ...]:
        """Disabled keys that the caller is to try now; each is named once, until `probed`."""
        due = [s for s in self._states.values() if s.disabled and now >= s.probe_at]
        for state in due:
            state.probe_at = inf
        return tuple(s.key.id for s in due)

    def probed(self, key_id: str, error: ProviderError | None, now: float) -> None:
        """A disabled key was tried: back in use, or disabled for twice as long."""
        state = self._states[key_id]
        if error is None or isinstance(error, Throttled | BadRequest | BadAnswer):
            state.disabled = False
            state.probe_at, state.probe_wait_s = inf, 0.0
            state.recent.clear()
        elif isinstance(error, KeyRejected):
            state.last_error = f"{error.error_type}: {error}"
            self._disable(state, now)
        else:
            state.probe_at = now + state.probe_wait_s

    def stats(self, now: float) -> tuple[KeyStats, ...]:
        """Every key as it stands."""
        return tuple(
            KeyStats(
                key_id=s.key.id,
                status=s.status(now),
                total_calls=s.calls,
                successful_calls=s.successes,
                in_flight=s.in_flight,
                cooldown_left_s=0.0 if s.disabled else max(0.0, s.rests_until - now),
                last_error=s.last_error,
            )
            for s in self._states.values()
        )

    def resume(self, earlier: Iterable[KeyStats]) -> None:
        """Go on counting calls where an earlier run of this instance stopped."""
        for stats in earlier:
            state = self._states.get(stats.key_id)
            if state is not None:
                state.calls += stats.total_calls
                state.successes += stats.successful_calls

    def _rest(self, state: _State, error: Throttled, now: float) -> None:
        mostly_failing = state.failed_share > 0.5 and len(state.recent) >= _FEW
        if mostly_failing:
            policy = self._cooldown
            span = policy.max_s - policy.min_s
            rest_s = policy.min_s + span * (2 * state.failed_share - 1)
            self._rest_until(state, now + (rest_s if policy.adaptive else policy.fixed_s))
        elif error.retry_after_s is None:
            first_s = 2 * _FIRST_PAUSE_S if error.cause == Throttle.BURST else _FIRST_PAUSE_S
            self._pause(state, now, first_s=first_s, longest_s=self._cooldown.min_s)
        if error.retry_after_s is not None:
            self._rest_until(state, now + min(error.retry_after_s, self._cooldown.max_s))

    def _pause(
        self, state: _State, now: float, *, longest_s: float, first_s: float = _FIRST_PAUSE_S
    ) -> None:
        """A second, doubled for each in a row. Calls that were already under way do not add."""
        if now < state.rests_until:
            return
        self._rest_until(state, now + min(first_s * 2**state.pauses, longest_s))
        state.pauses = min(state.pauses + 1, 10)

    def _rest_until(self, state: _State, until: float) -> None:
        state.rests_until = max(state.rests_until, until)

    def _disable(self, state: _State, now: float) -> None:
        state.disabled = True
        state.probe_wait_s = min(
            max(self._cooldown.probe_after_s, 2 * state.probe_wait_s), _MAX_PROBE_S
        )
        state.probe_at = now + state.probe_wait_s


_RANKS: dict[Strategy, Callable[[_State], tuple[float, ...]]] = {
    "least_loaded": lambda s: (s.in_flight, s.last_used, s.order),
    "round_robin": lambda s: (s.last_used, s.order),
    "weighted": lambda s: (s.in_flight / s.key.weight, s.last_used, s.order),
}
