"""One key: how it did lately, and how long it rests for that. Pure.

Times are seconds of a monotonic clock.
"""

from collections import deque
from dataclasses import dataclass, field
from math import inf

from streaming.errors import BadAnswer, BadRequest, KeyRejected, ProviderError, Throttled
from streaming.scheduling.stats import KeyStats, KeyStatus
from streaming.scheduling.throttle import Throttle

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
class KeyState:
    """What is known about a key; `order` is its place in the configuration."""

    key: PoolKey
    order: int
    cooldown: Cooldown
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
    removed: bool = False
    settled_at: float = -inf
    disabled_at: float = -inf
    recent: deque[bool] = field(default_factory=lambda: deque(maxlen=_RECENT))

    def status(self, now: float) -> KeyStatus:
        """Available, cooling or disabled."""
        if self.disabled:
            return "disabled"
        return "cooling" if now < self.rests_until else "available"

    def started(self, now: float) -> None:
        """A call is under way."""
        self.in_flight += 1
        self.calls += 1
        self.last_used = now

    def succeeded(self) -> None:
        """A call brought an answer."""
        self.in_flight -= 1
        self.successes += 1
        self.recent.append(True)
        self.pauses = 0

    def failed(self, error: ProviderError, now: float) -> None:
        """A call ended in an error: rest, be disabled, or neither."""
        self.in_flight -= 1
        self.last_error = _shown(error)
        match error:
            case KeyRejected():
                self.disable(now)
            case Throttled():
                self.recent.append(False)
                self._rest(error, now)
            case BadRequest() | BadAnswer():
                self.recent.append(True)  # the key is fine; the question or the answer is not
            case _:
                self.recent.append(False)
                if error.retry_after_s is not None:
                    self._rest_until(now + min(error.retry_after_s, self.cooldown.max_s))
                elif self._mostly_fails:
                    # Most likely the provider is down: be gentle, but back within seconds.
                    self._pause(now, _FIRST_PAUSE_S)

    def probed(self, error: ProviderError | None, now: float) -> None:
        """Disabled, it was tried: back in use, or disabled for twice as long."""
        if error is None or isinstance(error, Throttled | BadRequest | BadAnswer):
            self.disabled = False
            self.probe_at, self.probe_wait_s = inf, 0.0
            self.settled_at = now
            self.recent.clear()
        elif isinstance(error, KeyRejected):
            self.last_error = _shown(error)
            self.disable(now)
        else:
            self.probe_at = now + self.probe_wait_s

    def resume(self, earlier: KeyStats, now: float, ago_s: float) -> None:
        """Go on where an earlier run stopped `ago_s` seconds ago; a disabled key is tried now.

        Calls that were under way then are not counted: nobody learns how they ended.
        """
        self.calls += earlier.total_calls - earlier.in_flight
        self.successes += earlier.successful_calls
        self.last_error = earlier.last_error
        self._rest_until(now + max(0.0, earlier.cooldown_left_s - ago_s))
        if earlier.disabled_for_s is not None:
            self.disable(now - ago_s - earlier.disabled_for_s)
            self.probe_at = now

    def disable(self, now: float) -> None:
        """Not to be used until a probe finds it accepted; each that fails doubles the wait."""
        if not self.disabled:
            self.disabled_at = now
        self.disabled = True
        wait_s = max(self.cooldown.probe_after_s, 2 * self.probe_wait_s)
        self.probe_wait_s = min(wait_s, _MAX_PROBE_S)
        self.probe_at = now + self.probe_wait_s

    def stats(self, now: float) -> KeyStats:
        """As it stands."""
        return KeyStats(
            key_id=self.key.id,
            status=self.status(now),
            total_calls=self.calls,
            successful_calls=self.successes,
            in_flight=self.in_flight,
            cooldown_left_s=0.0 if self.disabled else max(0.0, self.rests_until - now),
            last_error=self.last_error,
            disabled_for_s=max(0.0, now - self.disabled_at) if self.disabled else None,
        )

    @property
    def _failed_share(self) -> float:
        return self.recent.count(False) / len(self.recent) if self.recent else 0.0

    @property
    def _mostly_fails(self) -> bool:
        return self._failed_share > 0.5 and len(self.recent) >= _FEW

    def _rest(self, error: Throttled, now: float) -> None:
        cooldown = self.cooldown
        if self._mostly_fails:
            span_s = cooldown.max_s - cooldown.min_s
            rest_s = cooldown.min_s + span_s * (2 * self._failed_share - 1)
            self._rest_until(now + (rest_s if cooldown.adaptive else cooldown.fixed_s))
        elif error.retry_after_s is None:
            self._pause(now, (2 if error.cause == Throttle.BURST else 1) * _FIRST_PAUSE_S)
        if error.retry_after_s is not None:
            self._rest_until(now + min(error.retry_after_s, cooldown.max_s))

    def _pause(self, now: float, first_s: float) -> None:
        """So long, doubled for each in a row. Calls that were already under way do not add."""
        if now < self.rests_until:
            return
        self._rest_until(now + min(first_s * 2**self.pauses, self.cooldown.min_s))
        self.pauses = min(self.pauses + 1, 10)

    def _rest_until(self, until: float) -> None:
        self.rests_until = max(self.rests_until, until)


def _shown(error: ProviderError) -> str:
    return f"{error.error_type}: {error}"
