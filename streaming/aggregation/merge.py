"""All verdicts of one frame as one result. Pure.

A frame that has a danger is shown as dangerous at once; one that has none is shown as
anything but "pending" only when every group was judged, and as "none" or "low" only when
every group could be judged.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from streaming.messages import RISK_LEVELS, RiskAssessment, RiskLevel, encode

FrameState = Literal["pending", "partial", "complete"]
ShownRisk = Literal["pending", "unknown", "none", "low", "medium", "high"]
SHOWN_RISKS: tuple[ShownRisk, ...] = ("pending", *RISK_LEVELS)
"""From least to most dangerous."""

DANGEROUS: frozenset[str] = frozenset({"medium", "high"})
"""The levels that make `hasDangerousDriving` true: "low" is dense but safe by the prompt."""


@dataclass(frozen=True, slots=True)
class MergedFrame:
    """What is known of a frame's groups so far; `results` by groupIndex.

    `state` is "partial" when the wait for the rest was given up; it becomes "complete" if
    the rest comes after all. Latencies in ms, the slowest group's.
    """

    state: FrameState
    group_count: int
    results: tuple[RiskAssessment, ...]
    max_risk_level: ShownRisk
    has_dangerous_driving: bool
    llm_ms: float | None
    end_to_end_ms: float | None
    llm_model: str | None
    assessed_at: datetime | None


@dataclass(slots=True)
class FrameMerge:
    """The results of one messageId, in whatever order and however often they come.

    `group_count` is what the detection said; the results' own count, once one is there,
    stands, as only those groups were given to a model.
    """

    group_count: int = 0
    _by_task: dict[str, RiskAssessment] = field(default_factory=dict)

    def add(self, assessment: RiskAssessment) -> bool:
        """Take a result; False if it changes nothing.

        Two different results of one task (a scheduler that was killed between billing and
        remembering) count as one: the assessed before the failed, then the earlier.
        """
        known = self._by_task.get(assessment.task_id)
        if known is not None and _preference(known) <= _preference(assessment):
            return False
        self._by_task[assessment.task_id] = assessment
        return True

    @property
    def expected(self) -> int:
        """How many groups are to be judged."""
        if not self._by_task:
            return self.group_count
        return max(a.group_count for a in self._by_task.values())

    @property
    def complete(self) -> bool:
        """True when every group has its result; a frame without groups is complete at once."""
        return len(self._by_task) >= self.expected

    def result(self, *, timed_out: bool) -> MergedFrame:
        """The frame as of now; `timed_out` ends the wait for groups that are missing."""
        results = tuple(sorted(self._by_task.values(), key=lambda a: (a.group_index, a.task_id)))
        state: FrameState = "complete" if self.complete else "partial" if timed_out else "pending"
        level = _max_level([a.risk_level for a in results], state)
        return MergedFrame(
            state=state,
            group_count=self.expected,
            results=results,
            max_risk_level=level,
            has_dangerous_driving=level in DANGEROUS,
            llm_ms=max((a.latency.llm_ms for a in results), default=None),
            end_to_end_ms=max((a.latency.end_to_end_ms for a in results), default=None),
            llm_model=next((a.model for a in results if a.status == "assessed"), None),
            assessed_at=max((a.assessed_at for a in results), default=None),
        )


def _max_level(levels: list[RiskLevel], state: FrameState) -> ShownRisk:
    """A danger outranks everything; then what is not known; then calm."""
    calm: RiskLevel = "none"
    highest = max(levels, key=RISK_LEVELS.index, default=calm)
    if highest in DANGEROUS:
        return highest
    if state == "pending":
        return "pending"
    if state == "partial" or "unknown" in levels:
        return "unknown"
    return highest


def _preference(assessment: RiskAssessment) -> tuple[bool, datetime, bytes]:
    """Sorts the result to keep first, the same whatever the order of arrival."""
    return assessment.status != "assessed", assessment.assessed_at, encode(assessment)
