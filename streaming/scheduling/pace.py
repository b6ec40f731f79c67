"""The calls of one account and model, and when the next may leave. Pure.

Two rules together. A log of the last calls is exact: a call leaves only when the window that
would hold it, widened by the learnt margin, has room. GCRA with a small burst spreads
calls over the minute: the log alone would bunch them at its edge (measured: p95 of the wait 30 s
against 2.6 s). `slots.lua` does the same for all instances together.
"""

from bisect import bisect_left, insort
from math import inf

from streaming.scheduling.budget import MINUTE_S, Lesson, Rule
from streaming.scheduling.limits import Standing

_LEARN_EVERY_S = 1.0


class Pace:
    """Times are seconds of one clock; tickets name calls."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._log: list[tuple[float, str]] = []
        self._at: dict[str, float] = {}
        self._tat = -inf
        self._held_until = -inf
        self._learnt: list[tuple[float, float | None]] = [(0.0, None)] * 3
        self._tokens: dict[str, tuple[float, int]] = {}
        self._leases: dict[str, float] = {}

    def free_at(self, now: float, tokens: int = 0) -> float:
        """When the next call may leave, unless `is_full`; up to `now` means at once."""
        rule = self.rule
        interval_s = self._interval_s(now)
        at = max(self._held_until, self._tat - (rule.burst - 1) * interval_s)
        for count, span_s in (
            (rule.per_second, rule.second_s + self._lesson(0, now)),
            (rule.rpm, self._minute_s(now)),
        ):
            if len(self._log) >= count:
                at = max(at, self._log[-count][0] + span_s)
        return max(at, self._tokens_free_at(now, tokens))

    def is_full(self, now: float) -> bool:
        """Whether as many calls are under way as may be; when one ends is not foretold."""
        if not self.rule.in_flight:
            return False
        self._leases = {t: until for t, until in self._leases.items() if until > now}
        return len(self._leases) >= self.rule.in_flight

    def take(self, at: float, ticket: str, now: float, *, tokens: int, lease_s: float) -> None:
        """Count a call at `at`, which `free_at` must allow."""
        interval_s = self._interval_s(now)
        if self._tat < at:
            # After a rest the phase eats into the burst, never into the first call.
            burst_s = (self.rule.burst - 1) * interval_s
            self._tat = at + min(self.rule.phase * interval_s, burst_s)
        self._tat += interval_s
        self._enter(at, ticket)
        if self.rule.tpm:
            self._tokens[ticket] = (at, tokens)
        if self.rule.in_flight:
            self._leases[ticket] = now + lease_s
        self._forget(now)

    def made(self, ticket: str, at: float) -> None:
        """Count a call that was not asked for here; the next ones begin slowly."""
        self.unused(ticket)
        self._enter(at, ticket)
        self._tat = max(self._tat, at + self.rule.burst * self._interval_s(at))

    def sent(self, ticket: str, at: float) -> None:
        """Move a call to when it really left."""
        if ticket in self._at:
            self._leave(ticket)
            self._enter(at, ticket)

    def unused(self, ticket: str) -> None:
        """Forget a call that was not made."""
        if ticket in self._at:
            self._leave(ticket)
        self._tokens.pop(ticket, None)
        self._leases.pop(ticket, None)

    def ended(self, ticket: str, tokens: int | None) -> None:
        """A call is over, and took so many tokens instead of the estimate."""
        self._leases.pop(ticket, None)
        if tokens is not None and ticket in self._tokens:
            self._tokens[ticket] = (self._tokens[ticket][0], tokens)

    def refused(self, lessons: tuple[int, ...], until: float, now: float) -> None:
        """Learn, and let nothing leave before `until`; then begin slowly."""
        for i in lessons:
            value, at = self._learnt[i]
            if at is None or now - at >= _LEARN_EVERY_S:
                lesson = self._rule_of(i)
                self._learnt[i] = (
                    min(lesson.cap, lesson.value(value, at, now) + lesson.step),
                    now,
                )
        self._held_until = max(self._held_until, until)
        burst_s = (self.rule.burst - 1) * self._interval_s(now)
        self._tat = max(self._tat, until + burst_s)

    def standing(self, now: float) -> Standing:
        """How it stands."""
        minute_s = self._minute_s(now)
        used = len(self._log) - bisect_left(self._log, (now - minute_s, ""))
        return Standing(
            max(0, self.rule.rpm - used), max(0.0, self._held_until - now), self._lesson(0, now)
        )

    def _rule_of(self, i: int) -> Lesson:
        lessons = self.rule.lessons
        return (lessons.second_s, lessons.minute_s, lessons.tokens)[i]

    def _lesson(self, i: int, now: float) -> float:
        return self._rule_of(i).value(*self._learnt[i], now)

    def _minute_s(self, now: float) -> float:
        return MINUTE_S + self._lesson(1, now)

    def _interval_s(self, now: float) -> float:
        return self.rule.interval_s(self._lesson(0, now), self._lesson(1, now))

    def _enter(self, at: float, ticket: str) -> None:
        insort(self._log, (at, ticket))
        self._at[ticket] = at

    def _leave(self, ticket: str) -> None:
        del self._log[bisect_left(self._log, (self._at.pop(ticket), ticket))]

    def _forget(self, now: float) -> None:
        """What lies too long ago for any window; `second_s` may be longer than a minute."""
        span_s = max(self._minute_s(now), self.rule.second_s + self._lesson(0, now))
        gone = bisect_left(self._log, (now - span_s, ""))
        for _, ticket in self._log[:gone]:
            del self._at[ticket]
        del self._log[:gone]

    def _tokens_free_at(self, now: float, tokens: int) -> float:
        if not self.rule.tpm:
            return -inf
        minute_s = self._minute_s(now)
        self._tokens = {t: v for t, v in self._tokens.items() if v[0] + minute_s > now}
        limit = self.rule.tpm * (1.0 - self._lesson(2, now))
        # A call larger than the whole limit is tried alone: only the provider knows.
        too_many = sum(v[1] for v in self._tokens.values()) + min(tokens, limit) - limit
        for at, taken in sorted(self._tokens.values()):
            if too_many <= 0:
                break
            too_many -= taken
            if too_many <= 0:
                return at + minute_s
        return -inf
