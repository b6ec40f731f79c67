"""One task under way: what happened to it so far, and the message about its end. Pure."""

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime

from streaming.errors import ProviderError
from streaming.messages import (
    AssessmentTask,
    Failure,
    Latency,
    RiskAssessment,
    RiskLevel,
    Status,
    Usage,
)
from streaming.scheduling.chat import Exchange
from streaming.scheduling.prompt import Prompt
from streaming.scheduling.verdict import Verdict


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

    No call begins after `deadline`, none lasts beyond `ends_at`: seconds of a monotonic clock.
    """

    task: AssessmentTask
    prompt: Prompt
    image: bytes | None
    deadline: float
    ends_at: float
    progress: Progress
    asked: str
    calls: int = 0
    failures: int = 0
    earlier: Exchange | None = None
    repaired: bool = False
    avoid: frozenset[str] = frozenset()
    key_id: str | None = None
    answered_by: str = ""
    queued_until: datetime | None = None
    llm_ms: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    last_error: ProviderError | None = None


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
        model=case.answered_by or case.asked,
        key_id=case.key_id,
        attempts=case.calls,
        latency=Latency(
            queue_ms=_since_ms(task.created_at, case.queued_until or now),
            llm_ms=round(case.llm_ms, 3),
            end_to_end_ms=_since_ms(task.captured_at, now),
        ),
        usage=Usage(
            case.prompt_tokens,
            case.completion_tokens,
            prices.cost(case.prompt_tokens, case.completion_tokens),
        ),
        prompt_version=case.prompt.version,
        captured_at=task.captured_at,
        assessed_at=now,
        image_used=case.image is not None,
        error=Failure(error.error_type, str(error)) if error else None,
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


def _since_ms(begin: datetime, end: datetime) -> float:
    return round(max(0.0, (end - begin).total_seconds() * 1000), 3)
