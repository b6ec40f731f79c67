"""Which keys may be used now, and in what order. Pure: `now` is seconds of a monotonic clock."""

from collections.abc import Callable, Iterable, Sequence
from math import inf
from typing import Literal

from streaming.errors import ProviderError
from streaming.scheduling.key_state import Cooldown, KeyState, PoolKey
from streaming.scheduling.stats import KeyStats

Strategy = Literal["least_loaded", "round_robin", "weighted"]


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
        self._states: dict[str, KeyState] = {}
        self._any_removed = False
        self._rank = _RANKS[strategy]
        self.replace(keys)

    def replace(self, keys: Sequence[PoolKey]) -> None:
        """From now on these keys. Those that stay keep their state; calls under way finish."""
        for state in self._states.values():
            state.removed = True
        for order, key in enumerate(keys):
            state = self._states.setdefault(key.id, KeyState(key, order, self._cooldown))
            state.key, state.order, state.removed = key, order, False
        self._any_removed = any(s.removed for s in self._states.values())
        self._forget_removed()

    def renew(self, key_id: str, now: float) -> None:
        """Another secret goes by this id now: nothing is known about it."""
        old = self._states[key_id]
        self._states[key_id] = KeyState(
            old.key, old.order, self._cooldown, in_flight=old.in_flight, calls=old.calls,
            successes=old.successes, settled_at=now,
        )  # fmt: skip

    @property
    def usable(self) -> bool:
        """Whether any key is not disabled."""
        return any(not s.disabled for s in self._present())

    def is_available(self, key_id: str, now: float) -> bool:
        """Whether this key is neither cooling nor disabled nor gone."""
        state = self._states.get(key_id)
        return state is not None and not state.removed and state.status(now) == "available"

    def may_serve(self, key_id: str, avoid: frozenset[str], now: float) -> bool:
        """Whether `candidates` would name this key."""
        avoided = key_id in avoid and self._others(avoid)
        return self.is_available(key_id, now) and not avoided

    def candidates(self, now: float, avoid: frozenset[str] = frozenset()) -> list[str]:
        """Available keys, the one to use first in front; `avoid` only while others are left.

        A key to be avoided is waited around as long as another one is not disabled, even if
        that one cools: a retry on the key that just failed would likely fail again.
        """
        ready = [s for s in self._present() if s.status(now) == "available"]
        chosen = [s for s in ready if s.key.id not in avoid] if self._others(avoid) else ready
        return [s.key.id for s in sorted(chosen, key=self._rank)]

    def next_change(self, now: float) -> float:
        """When the next cooling key is available again; infinite if none cools."""
        return min(
            (s.rests_until for s in self._present() if not s.disabled and s.rests_until > now),
            default=inf,
        )

    def rest_left_s(self, key_id: str, now: float) -> float:
        """For how long this key cools on."""
        return max(0.0, self._states[key_id].rests_until - now)

    def started(self, key_id: str, now: float) -> None:
        """A call with this key is under way."""
        self._states[key_id].started(now)

    def succeeded(self, key_id: str) -> None:
        """The call brought an answer."""
        self._states[key_id].succeeded()
        self._forget_removed()

    def abandoned(self, key_id: str) -> None:
        """The call was given up by us: says nothing about the key."""
        self._states[key_id].in_flight -= 1
        self._forget_removed()

    def unused(self, key_id: str) -> None:
        """The call was never made."""
        self._states[key_id].in_flight -= 1
        self._states[key_id].calls -= 1
        self._forget_removed()

    def failed(self, key_id: str, error: ProviderError, now: float) -> None:
        """The call ended in an error: rest the key, disable it, or neither."""
        self._states[key_id].failed(error, now)
        self._forget_removed()

    def due_probes(self, now: float) -> tuple[str, ...]:
        """Disabled keys that the caller is to try now; each is named once, until `probed`."""
        due = [s for s in self._present() if s.disabled and now >= s.probe_at]
        for state in due:
            state.probe_at = inf
        return tuple(s.key.id for s in due)

    def probed(self, key_id: str, error: ProviderError | None, now: float) -> None:
        """A disabled key was tried: back in use, or disabled for twice as long."""
        state = self._states.get(key_id)
        if state is not None:
            state.probed(error, now)

    def stats(self, now: float) -> tuple[KeyStats, ...]:
        """Every key as it stands."""
        return tuple(s.stats(now) for s in self._present())

    def resume(self, earlier: Iterable[KeyStats], now: float, ago_s: float) -> None:
        """Go on where an earlier run of this instance stopped `ago_s` seconds ago.

        A key that was disabled is tried at once: somebody may have restarted us for its sake.
        """
        for stats in earlier:
            state = self._states.get(stats.key_id)
            if state is not None:
                state.resume(stats, now, ago_s)

    def adopt(self, seen: KeyStats, disabled_at: float) -> None:
        """Another instance found this key rejected: take its word, if it is the newer one."""
        state = self._states.get(seen.key_id)
        if state is not None and not state.disabled and disabled_at > state.settled_at:
            state.last_error = seen.last_error
            state.disable(disabled_at)

    def _present(self) -> Iterable[KeyState]:
        return (s for s in self._states.values() if not s.removed)

    def _others(self, avoid: frozenset[str]) -> bool:
        """Whether a key that is not to be avoided is not disabled."""
        return any(not s.disabled for s in self._present() if s.key.id not in avoid)

    def _forget_removed(self) -> None:
        """A removed key goes when its last call ends."""
        if not self._any_removed:
            return
        gone = [i for i, s in self._states.items() if s.removed and not s.in_flight]
        for key_id in gone:
            del self._states[key_id]
        self._any_removed = any(s.removed for s in self._states.values())


_RANKS: dict[Strategy, Callable[[KeyState], tuple[float, ...]]] = {
    "least_loaded": lambda s: (s.in_flight, s.last_used, s.order),
    "round_robin": lambda s: (s.last_used, s.order),
    "weighted": lambda s: (s.in_flight / s.key.weight, s.last_used, s.order),
}
