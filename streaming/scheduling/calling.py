"""One call for a task: a slot of the next key, the request, and what came of it on the record."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from streaming.errors import NoFreeConnection, ProviderError, ProviderTimeout
from streaming.metrics import Metrics
from streaming.scheduling import chat
from streaming.scheduling.case import CANCELLED, Case
from streaming.scheduling.hedging import Hedging
from streaming.scheduling.lanes import Rank
from streaming.scheduling.limits import Slot
from streaming.scheduling.provider import Call
from streaming.scheduling.token_estimate import TokenEstimate
from streaming.scheduling.turnstile import Turnstile
from streaming.settings import ApiKey


class Asks(Protocol):
    """The provider, as seen from here."""

    async def ask(self, key: ApiKey, call: Call) -> chat.Reply: ...


@dataclass(slots=True)
class _Attempt:
    """A call under way: the clock starts when the request leaves, not while it waits."""

    slot: Slot
    begun: float
    started_at: datetime
    tokens: int
    overdue: bool = False


@dataclass(slots=True)
class Caller:
    """Makes calls; `timeout_s` is the longest that one may take."""

    provider: Asks
    turnstile: Turnstile
    keys: Mapping[str, ApiKey]
    metrics: Metrics
    clock: Callable[[], float]
    sampling: chat.Sampling
    timeout_s: float
    hedging: Hedging
    tokens: TokenEstimate = field(default_factory=TokenEstimate)

    async def call(self, case: Case, avoid: frozenset[str]) -> chat.Reply:
        """The answer to one call with the next key that may be used, or to its second.

        `avoid` is left out while there is another key. A call that takes longer than this
        model's calls do is made once more with another key; the first answer counts.

        Raises:
            ProviderError: it failed, or no slot came in time.
        """
        body = self._body(case)
        attempt = await self._begin(case, avoid)
        self.hedging.began()
        after_s = self.hedging.after_s(case.asked)
        if after_s is None:
            return await self._ask(case, attempt, body)
        first = asyncio.create_task(self._ask(case, attempt, body))
        try:
            await asyncio.wait((first,), timeout=after_s)
            if first.done():
                return first.result()
            return await self._race(case, avoid, attempt, first)
        finally:
            await _cancel(first)

    async def _race(
        self,
        case: Case,
        avoid: frozenset[str],
        attempt: _Attempt,
        first: "asyncio.Task[chat.Reply]",
    ) -> chat.Reply:
        """The first call is overdue: its answer, or that of a second if one may be made."""
        self.hedging.overdue += 1
        try:
            if not self.hedging.may_hedge(self.turnstile.in_flight):
                return await first
            attempt.overdue = True
            self.metrics.hedged_calls.inc()
            second = asyncio.create_task(self._again(case, avoid | {attempt.slot.key_id}))
            try:
                return await _first_answer(first, second)
            finally:
                await _cancel(first, second)
        finally:
            self.hedging.overdue -= 1

    async def _again(self, case: Case, avoid: frozenset[str]) -> chat.Reply:
        return await self._ask(case, await self._begin(case, avoid), self._body(case))

    def _body(self, case: Case) -> bytes:
        return chat.request(case.asked, case.prompt, image=case.image, earlier=case.earlier)

    async def _begin(self, case: Case, avoid: frozenset[str]) -> _Attempt:
        rank = Rank.of(case.task.priority, case.deadline)
        tokens = self.tokens.of(case.prompt.system, case.prompt.user, case.image)
        slot = await self.turnstile.acquire(rank, case.asked, avoid=avoid, tokens=tokens)
        case.progress.calling = True
        return _Attempt(slot, self.clock(), datetime.now(UTC), tokens)

    async def _ask(self, case: Case, attempt: _Attempt, body: bytes) -> chat.Reply:
        slot = attempt.slot

        def on_sent() -> None:
            attempt.begun, attempt.started_at = self.clock(), datetime.now(UTC)
            case.queued_until = case.queued_until or attempt.started_at
            self.turnstile.sent(slot)

        timeout_s = min(self.timeout_s, max(1.0, case.ends_at - attempt.begun))
        call = Call(
            body,
            timeout_s,
            case.task.task_id,
            on_sent,
            model=case.asked,
            parameters=self.sampling.with_room(case.room).parameters(),
            wants_json=True,
        )
        try:
            reply = await self.provider.ask(self.keys[slot.key_id], call)
        except ProviderError as exc:
            self._failed(case, attempt, exc)
            raise
        except BaseException:
            self._given_up(case, attempt)
            raise
        self._answered(case, attempt, reply)
        return reply

    def _failed(self, case: Case, attempt: _Attempt, error: ProviderError) -> None:
        if isinstance(error, NoFreeConnection):  # it never left: no fault of the key
            self.turnstile.abandoned(attempt.slot)
        else:
            self.turnstile.failed(attempt.slot, error)
        self.metrics.llm_calls.labels(error.error_type).inc()
        case.made_call(attempt.slot.key_id, attempt.started_at, self._took_s(attempt), error)

    def _given_up(self, case: Case, attempt: _Attempt) -> None:
        took_s = self._took_s(attempt)
        if attempt.overdue:  # a key that is overdue again and again has to rest
            self.hedging.took(case.asked, took_s)
            self.turnstile.failed(attempt.slot, ProviderTimeout(f"no answer within {took_s:.1f} s"))
        else:
            self.turnstile.abandoned(attempt.slot)
        self.metrics.llm_calls.labels(CANCELLED).inc()
        case.gave_up(attempt.slot.key_id, attempt.started_at, took_s)

    def _answered(self, case: Case, attempt: _Attempt, reply: chat.Reply) -> None:
        tokens = self.tokens.answered(attempt.tokens, reply.prompt_tokens, reply.completion_tokens)
        self.turnstile.succeeded(attempt.slot, tokens)
        self.metrics.llm_calls.labels("success").inc()
        took_s = self._took_s(attempt)
        # Answers alone: a refusal within 20 ms would make the provider look quick.
        self.metrics.llm_latency_s.observe(took_s)
        self.hedging.took(case.asked, took_s)
        case.made_call(attempt.slot.key_id, attempt.started_at, took_s, reply)

    def _took_s(self, attempt: _Attempt) -> float:
        return self.clock() - attempt.begun


async def _first_answer(*calls: "asyncio.Task[chat.Reply]") -> chat.Reply:
    """Of the one that is answered first; if all fail, the error of the last."""
    racing = set(calls)
    while True:
        done, racing = await asyncio.wait(racing, return_when=asyncio.FIRST_COMPLETED)
        answered = [call for call in done if call.exception() is None]
        if answered or not racing:
            return (answered or list(done))[0].result()


async def _cancel(*calls: "asyncio.Task[chat.Reply]") -> None:
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
