"""A run as the topics tell it, and a result as a quiet run gives it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from streaming.benchmark.pipeline.due import Window
from streaming.benchmark.pipeline.figures import STAGES
from streaming.benchmark.pipeline.findings import Expected
from streaming.benchmark.pipeline.ledger import Ledger
from streaming.demo.tally import Tally
from streaming.messages import Latency, SkippedGroup
from streaming.messages.detection_result import Frame
from tests import builders

START = datetime(2026, 11, 25, 8, tzinfo=UTC)
EXPECTED = Expected(provider_median_ms=800.0, allowed_per_s=50.0, max_concurrent=50)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def window(begin_s: float, end_s: float, interval_s: float = 1.0) -> Window:
    return Window(at(begin_s).timestamp(), at(end_s).timestamp(), interval_s)


@dataclass
class Run:
    """Cameras 1, 2, …; each frame has one group, and its task is judged 800 ms after it is made."""

    cameras: tuple[str, ...] = ("1",)
    ledger: Ledger = field(init=False)

    def __post_init__(self):
        self.ledger = Ledger(self.cameras, Tally(START))

    def frame(self, due_s, camera_id="1", *, captured_ms=10, partition=0, planned=True):
        """A frame that was due then; returns its task's id."""
        message_id = f"{camera_id}-{due_s:g}"
        captured = at(due_s + captured_ms / 1000)
        self.ledger.add(
            builders.detection_result(
                message_id=message_id,
                camera_id=camera_id,
                captured_at=captured,
                produced_at=captured + timedelta(milliseconds=40),
                frame=Frame(1, 640, 360, None, at(due_s)),
                groups=(builders.group(group_index=0),),
            ),
            partition,
        )
        if planned:
            self.ledger.add(
                builders.assessment_task(
                    task_id=f"{message_id}:0",
                    message_id=message_id,
                    camera_id=camera_id,
                    captured_at=captured,
                    created_at=captured + timedelta(milliseconds=60),
                ),
                partition,
            )
        return f"{message_id}:0"

    def skip(self, due_s, camera_id="1"):
        """A frame whose group was asked about a moment ago."""
        task_id = self.frame(due_s, camera_id, planned=False)
        notice = builders.skipped_groups(
            message_id=task_id.removesuffix(":0"),
            camera_id=camera_id,
            skipped=(SkippedGroup(0, "repeat", "m:0"),),
        )
        self.ledger.add(notice, 0)

    def judge(self, task_id, *, status="assessed", queue_ms=20.0, partition=0, shown_ms=5):
        """Its end, 800 ms of the provider after the queue; then it is at the walls."""
        created_s = self.ledger.tasks[task_id].created_s
        at_s = created_s + (queue_ms + 800) / 1000
        self.ledger.add(
            builders.risk_assessment(
                task_id=task_id,
                message_id=task_id.rpartition(":")[0],
                camera_id=task_id.split("-")[0],
                status=status,
                assessed_at=datetime.fromtimestamp(at_s, UTC),
                latency=Latency(queue_ms, 800.0, 0.0),
            ),
            partition,
        )
        if shown_ms is not None:
            self.ledger.show(task_id, at_s + shown_ms / 1000)


USUAL = {
    "captured": 8.0,
    "detection": 60.0,
    "tasks": 20.0,
    "queue": 15.0,
    "provider": 780.0,
    "answer": 0.2,
    "last_hop": 15.0,
}
"""Medians of the stages, ms."""


def result(**changes):
    """Of a run of 10 frames a second in which nothing was wrong; a stage's name sets its median."""
    p50 = USUAL | {k: v for k, v in changes.items() if k in STAGES}
    stages = {name: {"mean": v, "p50": v, "p95": v * 2, "p99": v * 3} for name, v in p50.items()}
    total = sum(v for name, v in p50.items() if name != "last_hop")
    latencies = {
        "end_to_end_ms": {"mean": total, "p50": total, "p95": total * 2, "p99": total * 3},
        "provider_ms": stages["provider"],
        "stages_ms": stages,
        "frames_per_s": 10.0,
    }
    whole = {
        **latencies,
        "frames": {"due": 1000, "due_per_s": 10.0, "missed": 0, "silent_cameras": []},
        "calls_per_s": 12.0,
        "tasks": 1200,
        "success_rate": 1.0,
        "http_429": 0,
        "groups_without_task_or_notice": 0,
        "tasks_without_end": 0,
        "delivered_twice": 0,
        "ends_by_reason": {"assessed": 1200},
        "resources": {
            "cores": 2,
            "cores_busy": 0.9,
            "processes": {"detection": {"cores": 0.5, "rss_mb": 500.0}},
        },
        "portions": [latencies] * 10,
    }
    return whole | {k: v for k, v in changes.items() if k not in STAGES}
