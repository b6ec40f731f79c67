"""What a strict provider counts: calls by key, account and task, and what came of them. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from streaming.simulator.provider_limits import SECOND_S, AccountCounter, Refusal, RollingWindow

NOBODY = "unknown"
"""Stands for the key of a call with a key that the provider does not know."""


@dataclass(frozen=True, slots=True)
class SimulatedKey:
    """A key that the simulator knows; keys of one `account` share its limits."""

    id: str
    secret: str
    qps: float
    rpm: int
    account: str


@dataclass(slots=True)
class Books:
    """The provider's own truth. Times in seconds of one monotonic clock, unless said otherwise."""

    began_at_s: float
    keys: dict[str, SimulatedKey] = field(default_factory=dict)
    accounts: dict[str, AccountCounter] = field(default_factory=dict)
    drawn: Counter[str] = field(default_factory=Counter)
    """Faults, by kind."""
    arrived: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    """Task ids: calls let in, answers given."""
    largest_request_bytes: int = 0
    _all_second: RollingWindow = field(default_factory=lambda: RollingWindow(SECOND_S))
    _latest: float = 0.0
    _key_calls: Counter[str] = field(default_factory=Counter)
    _statuses: Counter[int] = field(default_factory=Counter)
    _key_statuses: defaultdict[str, Counter[int]] = field(
        default_factory=lambda: defaultdict(Counter)
    )

    def set_keys(self, keys: Iterable[SimulatedKey]) -> None:
        """The keys known from now on. What an account has used stays used."""
        self.keys = {key.secret: key for key in keys}
        for key in self.keys.values():
            counter = self.accounts.setdefault(key.account, AccountCounter(key.qps, key.rpm))
            counter.qps, counter.rpm = key.qps, key.rpm

    def call(self, key_id: str, at: float) -> None:
        """A call came, whatever becomes of it. Rolling windows take arrivals in their order."""
        self._latest = max(self._latest, at)
        self._key_calls[key_id] += 1
        self._all_second.add(self._latest)

    def admit(self, key: SimulatedKey) -> Refusal | None:
        """Count the call that came last against its account; which limit refuses it, or None."""
        return self.accounts[key.account].arrive(self._latest)

    def ended(self, key_id: str | None, status: int) -> None:
        """A call was answered so; without a key it was no chat."""
        self._statuses[status] += 1
        if key_id is not None:
            self._key_statuses[key_id][status] += 1

    def forget_peaks(self, now: float) -> None:
        """Begin to look for the most in a window anew."""
        windows = [self._all_second]
        for account in self.accounts.values():
            windows += [account.arrivals_second, account.arrivals_minute]
        for window in windows:
            window.most = window.count(now)

    def stats(self, *, with_tasks: bool = False) -> dict[str, Any]:
        """Everything, as GET /stats shows it; tasks (id to answers given) when asked for."""
        found: dict[str, Any] = {
            "started_at_s": self.began_at_s,
            "calls": self._key_calls.total(),
            "answered": self._statuses[200],
            "http_429": self._statuses[429],
            "statuses": _by_name(self._statuses),
            "max_in_a_second": self._all_second.most,
            "largest_request_bytes": self.largest_request_bytes,
            "faults": dict(self.drawn),
            "keys": dict(self._key_calls),
            "key_statuses": {k: _by_name(n) for k, n in sorted(self._key_statuses.items())},
            "accounts": {name: _account(counter) for name, counter in self.accounts.items()},
            "task_ids": len(self.arrived),
            "task_ids_answered": len(self.answered),
            "task_ids_answered_twice": sum(1 for n in self.answered.values() if n > 1),
        }
        if with_tasks:
            found["tasks"] = dict(self.answered)
        return found


def _by_name(statuses: Counter[int]) -> dict[str, int]:
    return {str(status): n for status, n in sorted(statuses.items())}


def _account(counter: AccountCounter) -> dict[str, Any]:
    return {
        "qps": counter.qps,
        "rpm": counter.rpm,
        "calls": counter.calls,
        "accepted": counter.accepted,
        "http_429": counter.refused,
        "max_in_a_second": counter.arrivals_second.most,
        "max_in_a_minute": counter.arrivals_minute.most,
    }
