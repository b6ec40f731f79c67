"""risk-assessment-results: how each task ended. Every task ends in exactly one of these."""

from typing import Literal

from msgspec import UNSET, UnsetType

from streaming.messages.base import Count, Id, Int32, Message, Number, Part, Timestamp

Status = Literal["assessed", "expired", "failed"]
RiskLevel = Literal["none", "low", "medium", "high", "unknown"]

RISK_LEVELS: tuple[RiskLevel, ...] = ("unknown", "none", "low", "medium", "high")
"""From least to most dangerous; unknown ranks lowest, but is never shown as none."""


class Latency(Part, frozen=True):
    """Milliseconds: waiting for a slot, in the provider's calls, from capture to verdict."""

    queue_ms: Number
    llm_ms: Number
    end_to_end_ms: Number


class Usage(Part, frozen=True):
    """What the task's calls used and cost; `cost` in the currency of `provider.price_currency`."""

    prompt_tokens: Count = 0
    completion_tokens: Count = 0
    cost: Number = 0.0


class ProviderCall(Part, frozen=True):
    """One call that the task took: `outcome` is "answered" or the kind of error; times in ms."""

    started_at: Timestamp
    took_ms: Number
    key_id: Id
    model: str
    outcome: str
    prompt_tokens: Count = 0
    completion_tokens: Count = 0


class Failure(Part, frozen=True):
    """Why a task was not assessed."""

    type: str
    message: str


class RiskAssessment(Message, frozen=True, kw_only=True):
    """The end of one task; key on the wire: cameraId.

    `risk_level` is "unknown" unless `status` is "assessed": a failure is never "none".
    `image_used` tells whether the model saw the picture or the geometry alone. `calls` are those
    of the scheduler that ended the task, in their order; those of older versions do not tell.
    """

    task_id: Id
    message_id: Id
    camera_id: Id
    group_index: Count
    group_count: Count
    status: Status
    risk_level: RiskLevel
    confidence: Number
    risk_types: tuple[str, ...]
    description: str
    danger_object_count: Count
    trigger_object_ids: tuple[Int32, ...]
    model: str
    key_id: str | None
    attempts: Count
    latency: Latency
    usage: Usage
    prompt_version: str
    captured_at: Timestamp
    assessed_at: Timestamp
    image_used: bool = True
    error: Failure | None = None
    calls: tuple[ProviderCall, ...] | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.status != "assessed" and self.risk_level != "unknown":
            raise ValueError(f"riskLevel must be unknown where status is {self.status}")
