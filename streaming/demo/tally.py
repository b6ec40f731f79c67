"""What the four topics say has happened: counts, rates and latency. Pure."""

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime

from streaming.messages import (
    AssessmentTask,
    DetectionResult,
    Message,
    RiskAssessment,
    RiskLevel,
    SkippedGroups,
    task_id,
)

RATE_WINDOW_S = 10.0
"""Rates are over the last ten seconds: steady enough to read, quick enough to show a stall."""


def percentile(sorted_values: list[float], share: float) -> float | None:
    """The value below which `share` (0..1) of the values lie (nearest rank), or None of none."""
    if not sorted_values:
        return None
    return sorted_values[min(len(sorted_values) - 1, int(share * len(sorted_values)))]


@dataclass(slots=True)
class CameraTally:
    """One camera's part of the whole."""

    frames: int = 0
    detections: int = 0
    tasks: int = 0
    assessed: int = 0
    last_captured_at: datetime | None = None
    levels: Counter[RiskLevel] = field(default_factory=Counter)


@dataclass(slots=True)
class Tally:
    """Every message counted once: tasks and their ends by taskId, frames by messageId."""

    started_at: datetime
    cameras: dict[str, CameraTally] = field(default_factory=dict)
    frame_ids: set[str] = field(default_factory=set)
    task_ids: set[str] = field(default_factory=set)
    ends: dict[str, str] = field(default_factory=dict)
    detections: int = 0
    group_ids: set[str] = field(default_factory=set)
    skipped_ids: set[str] = field(default_factory=set)
    repeated: int = 0
    end_to_end_ms: list[float] = field(default_factory=list)
    first_frame_s: float | None = None
    """After `started_at`; so is the next."""
    first_assessment_s: float | None = None
    _recent: deque[tuple[datetime, int]] = field(default_factory=deque)

    def add(self, message: Message, _partition: int = 0) -> None:
        """Any message of the four topics."""
        match message:
            case DetectionResult():
                self.add_detection(message)
            case AssessmentTask():
                self.add_task(message)
            case SkippedGroups():
                self.add_skipped(message)
            case RiskAssessment():
                self.add_assessment(message)

    def add_detection(self, message: DetectionResult) -> None:
        """A frame; one delivered again counts once."""
        if message.message_id in self.frame_ids:
            self.repeated += 1
            return
        self.frame_ids.add(message.message_id)
        self.detections += len(message.detections)
        self.group_ids.update(task_id(message.message_id, g.group_index) for g in message.groups)
        self._recent.append((message.produced_at, len(message.detections)))
        after_s = (message.produced_at - self.started_at).total_seconds()
        self.first_frame_s = min(after_s, self.first_frame_s or after_s)
        camera = self._camera(message.camera_id)
        camera.frames += 1
        camera.detections += len(message.detections)
        camera.last_captured_at = max(
            message.captured_at, camera.last_captured_at or message.captured_at
        )

    def add_task(self, message: AssessmentTask) -> None:
        """A planned task; one seen again is counted as repeated (there should be none)."""
        if message.task_id in self.task_ids:
            self.repeated += 1
            return
        self.task_ids.add(message.task_id)
        self._camera(message.camera_id).tasks += 1

    def add_skipped(self, message: SkippedGroups) -> None:
        """Groups that got no task."""
        self.skipped_ids.update(task_id(message.message_id, s.group_index) for s in message.skipped)

    def add_assessment(self, message: RiskAssessment) -> None:
        """The end of a task; the first one counts."""
        if message.task_id in self.ends:
            return
        self.ends[message.task_id] = message.status
        if message.status != "assessed":
            return
        self.end_to_end_ms.append(message.latency.end_to_end_ms)
        camera = self._camera(message.camera_id)
        camera.assessed += 1
        camera.levels[message.risk_level] += 1
        after_s = (message.assessed_at - self.started_at).total_seconds()
        self.first_assessment_s = min(after_s, self.first_assessment_s or after_s)

    def rates(self, now: datetime) -> tuple[float, float]:
        """Frames and detections a second over the last `RATE_WINDOW_S`."""
        while self._recent and (now - self._recent[0][0]).total_seconds() > RATE_WINDOW_S:
            self._recent.popleft()
        window_s = min(RATE_WINDOW_S, max(1.0, (now - self.started_at).total_seconds()))
        return len(self._recent) / window_s, sum(n for _, n in self._recent) / window_s

    def count(self, status: str) -> int:
        """Tasks of this run that ended so."""
        return sum(1 for task, end in self.ends.items() if end == status and task in self.task_ids)

    @property
    def skipped(self) -> int:
        """Groups of this run that got no task on purpose."""
        return len(self.group_ids & self.skipped_ids)

    @property
    def unplanned(self) -> int:
        """Groups that are neither a task nor skipped."""
        return len(self.group_ids - self.task_ids - self.skipped_ids)

    @property
    def unaccounted(self) -> int:
        """Tasks that have not ended."""
        return len(self.task_ids - self.ends.keys())

    @property
    def success_rate(self) -> float | None:
        """Assessed of all ended tasks, or None before the first end."""
        ended = sum(1 for task in self.ends if task in self.task_ids)
        return self.count("assessed") / ended if ended else None

    def summary(self) -> dict[str, object]:
        """The figures of `reports/demo.json`."""
        latencies = sorted(self.end_to_end_ms)
        return {
            "frames": len(self.frame_ids),
            "detections": self.detections,
            "groups": len(self.group_ids),
            "skipped": self.skipped,
            "tasks": len(self.task_ids),
            "assessed": self.count("assessed"),
            "expired": self.count("expired"),
            "failed": self.count("failed"),
            "unplanned": self.unplanned,
            "unaccounted": self.unaccounted,
            "success_rate": self.success_rate,
            "end_to_end_ms": {
                name: percentile(latencies, share)
                for name, share in (("p50", 0.50), ("p95", 0.95), ("p99", 0.99))
            },
            "first_frame_s": self.first_frame_s,
            "first_assessment_s": self.first_assessment_s,
            "cameras": {
                camera_id: {
                    "frames": c.frames,
                    "detections": c.detections,
                    "tasks": c.tasks,
                    "assessed": c.assessed,
                    "risk_levels": dict(c.levels),
                }
                for camera_id, c in sorted(self.cameras.items())
            },
        }

    @property
    def balanced(self) -> bool:
        """Every group is a task or skipped, every task ended, at least one was assessed."""
        return self.unplanned == 0 and self.unaccounted == 0 and self.count("assessed") > 0

    def _camera(self, camera_id: str) -> CameraTally:
        return self.cameras.setdefault(camera_id, CameraTally())
