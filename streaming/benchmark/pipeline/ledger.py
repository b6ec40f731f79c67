"""Collect every frame, task and verdict of the measured cameras from the topics. Pure.

Times are seconds since 1970, durations ms.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from math import inf

from msgspec import UNSET

from streaming.demo.tally import Tally
from streaming.messages import (
    AssessmentTask,
    DetectionResult,
    Message,
    RiskAssessment,
    SkippedGroups,
)

_COUNTED = (DetectionResult, AssessmentTask, SkippedGroups, RiskAssessment)


@dataclass(frozen=True, slots=True)
class FrameSeen:
    """One frame on detection-results."""

    camera_id: str
    partition: int
    due_s: float
    captured_s: float
    produced_s: float
    detections: int
    groups: int


@dataclass(frozen=True, slots=True)
class TaskSeen:
    """One task on assessment-tasks."""

    message_id: str
    partition: int
    created_s: float


@dataclass(frozen=True, slots=True)
class EndSeen:
    """How a task ended, on risk-assessment-results."""

    status: str
    error: str | None
    partition: int
    at_s: float
    queue_ms: float
    llm_ms: float
    attempts: int
    tokens: tuple[int, int]
    cost: float


@dataclass(slots=True)
class Ledger:
    """Everything once, by its id; `tally` accounts for it, `shown` is what reached Redis."""

    cameras: Collection[str]
    tally: Tally
    frames: dict[str, FrameSeen] = field(default_factory=dict)
    tasks: dict[str, TaskSeen] = field(default_factory=dict)
    ends: dict[str, EndSeen] = field(default_factory=dict)
    skipped: dict[str, tuple[str, ...]] = field(default_factory=dict)
    shown: dict[str, float] = field(default_factory=dict)
    until_s: float = inf
    """What was captured from then on is not the run's: a camera that was there before goes on."""

    def add(self, message: Message, partition: int) -> None:
        """A message of one of the four topics; those of other cameras are passed over."""
        if not isinstance(message, _COUNTED) or message.camera_id not in self.cameras:
            return
        if message.captured_at.timestamp() >= self.until_s:
            return
        match message:
            case DetectionResult():
                self.frames.setdefault(message.message_id, _frame(message, partition))
            case AssessmentTask():
                seen = TaskSeen(message.message_id, partition, message.created_at.timestamp())
                self.tasks.setdefault(message.task_id, seen)
            case SkippedGroups():
                reasons = tuple(group.reason for group in message.skipped)
                self.skipped.setdefault(message.message_id, reasons)
            case RiskAssessment():
                self.ends.setdefault(message.task_id, _end(message, partition))
        self.tally.add(message)

    def show(self, task_id: str, at_s: float) -> None:
        """This task's verdict was told to the walls; the first time counts."""
        self.shown.setdefault(task_id, at_s)


def _frame(message: DetectionResult, partition: int) -> FrameSeen:
    # A worker of an older version does not say when the frame was due.
    due = message.frame.due_at
    due_at: datetime = message.captured_at if due is UNSET else due
    return FrameSeen(
        camera_id=message.camera_id,
        partition=partition,
        due_s=due_at.timestamp(),
        captured_s=message.captured_at.timestamp(),
        produced_s=message.produced_at.timestamp(),
        detections=len(message.detections),
        groups=len(message.groups),
    )


def _end(message: RiskAssessment, partition: int) -> EndSeen:
    return EndSeen(
        status=message.status,
        error=message.error.type if message.error else None,
        partition=partition,
        at_s=message.assessed_at.timestamp(),
        queue_ms=message.latency.queue_ms,
        llm_ms=message.latency.llm_ms,
        attempts=message.attempts,
        tokens=(message.usage.prompt_tokens, message.usage.completion_tokens),
        cost=message.usage.cost,
    )
