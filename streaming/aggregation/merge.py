"""All verdicts of one frame as one result. Pure.

A frame that has a danger is shown as dangerous at once; one that has none is shown as
anything but "pending" only when every group was judged, and as "none" or "low" only when
every group could be judged.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from streaming.messages import RISK_LEVELS, RiskAssessment, RiskLevel, SkippedGroup, encode

FrameState = Literal["pending", "partial", "complete"]
ShownRisk = Literal["pending", "unknown", "none", "low", "medium", "high"]
SHOWN_RISKS: tuple[ShownRisk, ...] = ("pending", *RISK_LEVELS)
"""From least to most dangerous."""

DANGEROUS: frozenset[str] = frozenset({"medium", "high"})
"""The levels that make `hasDangerousDriving` true: "low" is dense but safe by the prompt."""


@dataclass(frozen=True, slots=True)
class MergedFrame:
    """What is known of a frame's groups so far; `results` by groupIndex.

    `carried` holds, by groupIndex, the earlier verdicts that stand for groups without a task.
    `state` is "partial" when the wait for the rest was given up; it becomes "complete" if
    the rest comes after all. Latencies in ms, the slowest group's.
    """

    state: FrameState
    group_count: int
    results: tuple[RiskAssessment, ...]
    carried: Mapping[int, RiskAssessment]
    max_risk_level: ShownRisk
    has_dangerous_driving: bool
    llm_ms: float | None
    end_to_end_ms: float | None
    llm_model: str | None
    assessed_at: datetime | None


@dataclass(slots=True)
class FrameMerge:
    """The results of one messageId, in whatever order and however often they come.

    `group_count` is what the detection said, 0 where it has not come. `skipped` are the groups
    that got no task, `earlier` the results, by taskId, of the tasks they were like. The
    results' own count says how many tasks there are; a group that is neither among them nor
    skipped is waited for.
    """

    group_count: int = 0
    skipped: tuple[SkippedGroup, ...] = ()
    earlier: Mapping[str, RiskAssessment] = field(default_factory=dict)
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
    def tasks(self) -> int:
        """How many groups are to be judged."""
        if not self._by_task:
            return max(0, self.group_count - len(self.skipped))
        return max(a.group_count for a in self._by_task.values())

    @property
    def expected(self) -> int:
        """How many groups there are."""
        return max(self.group_count, self.tasks + len(self.skipped))

    @property
    def complete(self) -> bool:
        """True when every group has its result, or one to carry, or will have none."""
        known = len(self._by_task) >= self.tasks and len(self.skipped) >= (
            self.expected - self.tasks
        )
        return known and all(s.like is None or s.like in self.earlier for s in self.skipped)

    def result(self, *, timed_out: bool) -> MergedFrame:
        """The frame as of now; `timed_out` ends the wait for groups that are missing."""
        results = tuple(sorted(self._by_task.values(), key=lambda a: (a.group_index, a.task_id)))
        carried = {
            s.group_index: self.earlier[s.like]
            for s in self.skipped
            if s.like is not None and s.like in self.earlier
        }
        state: FrameState = "complete" if self.complete else "partial" if timed_out else "pending"
        levels: list[RiskLevel] = [a.risk_level for a in (*results, *carried.values())]
        levels += ["unknown" for s in self.skipped if s.like is None]
        level = _max_level(levels, state)
        return MergedFrame(
            state=state,
            group_count=self.expected,
            results=results,
            carried=carried,
            max_risk_level=level,
            has_dangerous_driving=level in DANGEROUS,
            llm_ms=max((a.latency.llm_ms for a in results), default=None),
            end_to_end_ms=max((a.latency.end_to_end_ms for a in results), default=None),
            llm_model=next(
                (a.model for a in (*results, *carried.values()) if a.status == "assessed"), None
            ),
            assessed_at=max((a.assessed_at for a in (*results, *carried.values())), default=None),
        )


def by_task(assessments: Iterable[RiskAssessment]) -> dict[str, RiskAssessment]:
    """The result that counts of each task, whatever their order."""
    found: dict[str, RiskAssessment] = {}
    for one in assessments:
        known = found.get(one.task_id)
        if known is None or _preference(one) < _preference(known):
            found[one.task_id] = one
    return found


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
