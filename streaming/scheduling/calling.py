"""One call for a task: a slot of the next key, the request, and what came of it on the record."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from streaming.errors import NoFreeConnection, ProviderError
from streaming.metrics import Metrics
from streaming.scheduling import chat
from streaming.scheduling.case import Case
from streaming.scheduling.lanes import Rank
from streaming.scheduling.limits import Slot
from streaming.scheduling.provider import Call
from streaming.scheduling.turnstile import Turnstile
from streaming.settings import ApiKey

_FIRST_TOKENS_ESTIMATE = 1_500


class Asks(Protocol):
    """The provider, as seen from here."""

    async def ask(self, key: ApiKey, call: Call) -> chat.Reply: ...


@dataclass(slots=True)
class _Attempt:
    """A call under way: the clock starts when the request leaves, not while it waits."""

    slot: Slot
    begun: float
    started_at: datetime


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
    tokens_estimate: int = _FIRST_TOKENS_ESTIMATE

    async def call(self, case: Case, avoid: frozenset[str]) -> chat.Reply:
        """One call with the next key that may be used, none of `avoid` while there is another.

        Raises:
            ProviderError: it failed, or no slot came in time.
        """
        body = chat.request(
            case.asked,
            case.prompt,
            self.sampling.with_room(case.room),
            image=case.image,
            earlier=case.earlier,
        )
        rank = Rank.of(case.task.priority, case.deadline)
        slot = await self.turnstile.acquire(
            rank, case.asked, avoid=avoid, tokens=self.tokens_estimate
        )
        case.progress.calling = True
        attempt = _Attempt(slot, self.clock(), datetime.now(UTC))

        def on_sent() -> None:
            attempt.begun, attempt.started_at = self.clock(), datetime.now(UTC)
            case.queued_until = case.queued_until or attempt.started_at
            self.turnstile.sent(slot)

        timeout_s = min(self.timeout_s, max(1.0, case.ends_at - attempt.begun))
        call = Call(body, timeout_s, case.task.task_id, on_sent, model=case.asked)
        try:
            reply = await self.provider.ask(self.keys[slot.key_id], call)
        except ProviderError as exc:
            self._failed(case, attempt, exc)
            raise
        except BaseException:
            self.turnstile.abandoned(slot)
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

    def _answered(self, case: Case, attempt: _Attempt, reply: chat.Reply) -> None:
        tokens = reply.prompt_tokens + reply.completion_tokens
        self.turnstile.succeeded(attempt.slot, tokens)
        self.metrics.llm_calls.labels("success").inc()
        self.tokens_estimate += (tokens - self.tokens_estimate) // 16
        took_s = self._took_s(attempt)
        # Answers alone: a refusal within 20 ms would make the provider look quick.
        self.metrics.llm_latency_s.observe(took_s)
        case.made_call(attempt.slot.key_id, attempt.started_at, took_s, reply)

    def _took_s(self, attempt: _Attempt) -> float:
        return self.clock() - attempt.begun
