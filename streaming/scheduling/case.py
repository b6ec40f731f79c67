"""One task under way: what happened to it so far, and the message about its end. Pure."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

from streaming.errors import BadAnswer, ContentRefused, CutShort, ProviderError
from streaming.messages import (
    AssessmentTask,
    Failure,
    Latency,
    ProviderCall,
    RiskAssessment,
    RiskLevel,
    Status,
    Usage,
)
from streaming.scheduling.chat import Exchange, Reply
from streaming.scheduling.prompt import Prompt
from streaming.scheduling.verdict import Verdict

ANSWERED = "answered"
CANCELLED = "cancelled"
ANSWERS = frozenset({ANSWERED} | {e.error_type for e in (BadAnswer, CutShort, ContentRefused)})
"""Outcomes of a call that the model answered; any other is the kind of error."""


@dataclass(frozen=True, slots=True)
class Prices:
    """What 1,000 tokens cost."""

    prompt: float = 0.0
    completion: float = 0.0

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Of one task's tokens, in the same currency."""
        return round((prompt_tokens * self.prompt + completion_tokens * self.completion) / 1000, 9)


@dataclass(slots=True)
class Progress:
    """What others may know of a task under way, and the one thing they may ask of it.

    `picture` is on its way from Redis, in the same round trip as the look whether the task
    ended before.
    """

    calling: bool = False
    withdrawn: bool = False
    picture: Awaitable[bytes | None] | None = None


@dataclass(slots=True)
class Case:
    """What happened to one task so far; `asked` is the model asked next, or last.

    `room` is how many times `provider.max_tokens` the next answer may have.

    No call begins after `deadline`, none lasts beyond `ends_at`: seconds of a monotonic clock.
    """

    task: AssessmentTask
    prompt: Prompt
    image: bytes | None
    deadline: float
    ends_at: float
    progress: Progress
    asked: str
    calls: list[ProviderCall] = field(default_factory=list)
    failures: int = 0
    earlier: Exchange | None = None
    repaired: bool = False
    room: int = 1
    avoid: frozenset[str] = frozenset()
    queued_until: datetime | None = None
    last_error: ProviderError | None = None

    @property
    def key_id(self) -> str | None:
        """Whose key was used last."""
        return self.calls[-1].key_id if self.calls else None

    @property
    def model(self) -> str:
        """The model that answered last, or else the one asked last."""
        answers = (call.model for call in reversed(self.calls) if call.outcome in ANSWERS)
        return next(answers, self.asked)

    def made_call(
        self, key_id: str, started_at: datetime, took_s: float, result: Reply | ProviderError
    ) -> None:
        """A call with this key ended so."""
        reply = result if isinstance(result, Reply) else None
        self.calls.append(
            ProviderCall(
                started_at=started_at,
                took_ms=round(took_s * 1000, 3),
                key_id=key_id,
                model=(reply.model if reply else "") or self.asked,
                outcome=ANSWERED if isinstance(result, Reply) else result.error_type,
                prompt_tokens=reply.prompt_tokens if reply else 0,
                completion_tokens=reply.completion_tokens if reply else 0,
            )
        )

    def gave_up(self, key_id: str, started_at: datetime, took_s: float) -> None:
        """A call with this key was given up: another one's answer came first."""
        call = ProviderCall(
            started_at=started_at,
            took_ms=round(took_s * 1000, 3),
            key_id=key_id,
            model=self.asked,
            outcome=CANCELLED,
            prompt_tokens=0,
            completion_tokens=0,
        )
        self.calls.insert(max(0, len(self.calls) - 1), call)  # the last one is the one that counts

    def last_was(self, unusable: ProviderError) -> None:
        """No verdict could be read out of the last answer, for this reason."""
        self.calls[-1] = replace(self.calls[-1], outcome=unusable.error_type)


def ended(
    case: Case,
    status: Status,
    found: Verdict | None,
    *,
    error: ProviderError | None,
    prices: Prices,
    now: datetime,
) -> RiskAssessment:
    """The end of a task that was opened; only "assessed" comes with a verdict."""
    task = case.task
    level: RiskLevel = found.risk_level if found else "unknown"
    prompt_tokens = sum(call.prompt_tokens for call in case.calls)
    completion_tokens = sum(call.completion_tokens for call in case.calls)
    return RiskAssessment(
        task_id=task.task_id,
        message_id=task.message_id,
        camera_id=task.camera_id,
        group_index=task.group_index,
        group_count=task.group_count,
        status=status,
        risk_level=level,
        confidence=found.confidence if found else 0.0,
        risk_types=found.risk_types if found else (),
        description=found.description if found else "",
        danger_object_count=found.danger_object_count if found else 0,
        trigger_object_ids=found.trigger_object_ids if found else (),
        model=case.model,
        key_id=case.key_id,
        attempts=len(case.calls),
        latency=Latency(
            queue_ms=_since_ms(task.created_at, case.queued_until or now),
            llm_ms=_at_provider_ms(case.calls),
            end_to_end_ms=_since_ms(task.captured_at, now),
        ),
        usage=Usage(
            prompt_tokens, completion_tokens, prices.cost(prompt_tokens, completion_tokens)
        ),
        prompt_version=case.prompt.version,
        captured_at=task.captured_at,
        assessed_at=now,
        image_used=case.image is not None,
        error=Failure(error.error_type, str(error)) if error else None,
        calls=tuple(case.calls),
    )


def unassessed(
    task: AssessmentTask, failure: Failure, *, model: str, prompt_version: str, now: datetime
) -> RiskAssessment:
    """The end of a task for which nothing could even be asked."""
    return RiskAssessment(
        task_id=task.task_id,
        message_id=task.message_id,
        camera_id=task.camera_id,
        group_index=task.group_index,
        group_count=task.group_count,
        status="failed",
        risk_level="unknown",
        confidence=0.0,
        risk_types=(),
        description="",
        danger_object_count=0,
        trigger_object_ids=(),
        model=model,
        key_id=None,
        attempts=0,
        latency=Latency(0.0, 0.0, _since_ms(task.captured_at, now)),
        usage=Usage(),
        prompt_version=prompt_version,
        captured_at=task.captured_at,
        assessed_at=now,
        image_used=False,
        error=failure,
    )


def _at_provider_ms(calls: Sequence[ProviderCall]) -> float:
    """Time with at least one call under way: two that overlap count once."""
    total, covered = 0.0, 0.0
    for call in sorted(calls, key=lambda c: c.started_at):
        begin = call.started_at.timestamp() * 1000
        end = begin + call.took_ms
        total += max(0.0, end - max(begin, covered))
        covered = max(covered, end)
    return round(total, 3)


def _since_ms(begin: datetime, end: datetime) -> float:
    return round(max(0.0, (end - begin).total_seconds() * 1000), 3)
