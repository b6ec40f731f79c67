"""What the gate saves and what it hides, against the truth about the synthetic cameras.

The truth's objects are detected as they are, moved by a pixel or so as a detector's boxes are,
tracked where the interval is short enough, grouped as the settings say, planned and gated. A
near miss is a pair in danger, in one frame or in several in a row, that is in a group at all. It
is missed if no task with both of them was sent in any of these frames, or less than half a
second before the first: that picture shows the same meeting.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from streaming.benchmark.report import Report
from streaming.detection.classes import CLASS_IDS
from streaming.detection.grouping import GroupingRules, group
from streaming.detection.scene import Place, SceneState, Seen, look
from streaming.detection.tracking import LONGEST_INTERVAL_S
from streaming.messages import Detection, DetectionResult, Frame
from streaming.settings import Settings
from streaming.simulator.junction import Junction, JunctionSpec, Truth
from streaming.tasks.gate import CameraState, gate
from streaming.tasks.plan import Planned, plan
from streaming.tasks.policy import policy_of

DEFAULT_SOURCES = (
    "synthetic://junction?seed=1&vehicles=9&pedestrians=5",
    "synthetic://junction?seed=2&vehicles=6&pedestrians=9",
    "synthetic://junction?seed=3&vehicles=12&pedestrians=3",
    "synthetic://junction?seed=4&vehicles=5&pedestrians=7",
)
_JITTER_PX = 1.0
_JUST_BEFORE_S = 0.5
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_SIZE = (640, 360)

Pair = frozenset[int]


@dataclass(slots=True)
class Tally:
    """Counts over all cameras; a near miss by its pair, with the frame it was last seen in.

    Tasks of as many frames as `just_before` before a near miss count for it too.
    """

    frames: int = 0
    groups: int = 0
    sent: int = 0
    rate: int = 0
    near_misses: int = 0
    missed: int = 0
    just_before: int = 0
    _asked: list[tuple[int, Sequence[Pair]]] = field(default_factory=list)
    _open: dict[Pair, tuple[int, bool]] = field(default_factory=dict)

    def add(
        self, number: int, dangers: Iterable[Pair], every: Sequence[Pair], sent: Sequence[Pair]
    ) -> None:
        """A frame: its pairs in danger, who is in its groups, and in those that were sent."""
        self._asked = [a for a in self._asked if number - a[0] <= self.just_before]
        self._asked.append((number, sent))
        for pair in {d for d in dangers if any(d <= g for g in every)}:
            _, was_sent = self._open.get(pair, (number, False))
            asked = any(pair <= g for _, groups in self._asked for g in groups)
            self._open[pair] = (number, was_sent or asked)
        self.close(before=number)

    def close(self, before: int | None = None) -> None:
        """Count the near misses that are over: all, or those not seen in this frame."""
        if before is None:
            self._asked.clear()
        for pair, (last, was_sent) in list(self._open.items()):
            if before is None or last < before:
                del self._open[pair]
                self.near_misses += 1
                self.missed += not was_sent


def measure(settings: Settings, *, duration_s: float, intervals_s: Sequence[float]) -> Report:
    """One result an interval between frames."""
    sources = [c.source for c in settings.cameras if c.source.startswith("synthetic:")]
    results = []
    for interval_s in intervals_s:
        tally = Tally(just_before=int((_JUST_BEFORE_S - 1e-9) / interval_s))
        for number, source in enumerate(sources or DEFAULT_SOURCES):
            times = [n * interval_s for n in range(int(duration_s / interval_s))]
            _watch(settings, source, tally, Random(number), times)  # noqa: S311
        results.append(
            {
                "interval_s": interval_s,
                "frames": tally.frames,
                "groups": tally.groups,
                "tasks": tally.sent,
                "calls_saved": round(1 - tally.sent / max(1, tally.groups), 4),
                "skipped_for_rate": tally.rate,
                "near_misses": tally.near_misses,
                "near_misses_missed": tally.missed,
            }
        )
    described = {"sources": sources or DEFAULT_SOURCES, "duration_s": duration_s}
    return Report("gate", described | settings.tasks.gate.model_dump(), results)


def _watch(
    settings: Settings, source: str, tally: Tally, rng: Random, times_s: Sequence[float]
) -> None:
    junction, policy = Junction(JunctionSpec.parse(source)), policy_of(settings)
    state: CameraState = ()
    scene, tracked = SceneState(), times_s[1] <= LONGEST_INTERVAL_S
    for number, time_s in enumerate(times_s):
        junction.advance(time_s)
        truth = junction.truth()
        users, seen = detected(truth, rng), None
        if tracked:
            scene, seen = look(scene, users, truth.time_s, Place())
        detection = _detection(settings, truth, number, users if seen is None else seen)
        tasks = plan(detection, policy.plan)
        result = gate(state, detection, tasks, _BEGAN, policy.gate)
        state = result.state
        tally.frames += 1
        tally.groups += len(tasks)
        tally.sent += len(result.tasks)
        tally.rate += sum(s.reason == "rate" for s in result.skipped)
        ids = [o.object_id for o in truth.objects]
        dangers = [frozenset(d.object_ids) for d in truth.dangers]
        tally.add(number, dangers, _pairs(tasks, ids), _pairs(result.tasks, ids))
    tally.close()


def _pairs(tasks: Iterable[Planned], ids: Sequence[int]) -> list[Pair]:
    """Who is in each group, by the truth's numbers."""
    return [frozenset(ids[i] for i in task.group.member_object_ids) for task in tasks]


def detected(truth: Truth, rng: Random) -> tuple[Detection, ...]:
    """The truth's objects as a detector has them: each box moved by a pixel or so."""
    return tuple(
        Detection(
            index,
            o.class_name,
            CLASS_IDS[o.class_name],
            0.9,
            tuple(v + rng.gauss(0.0, _JITTER_PX) for v in o.xyxy),  # type: ignore[arg-type]
        )
        for index, o in enumerate(truth.objects)
    )


def _detection(
    settings: Settings, truth: Truth, number: int, found: Seen | tuple[Detection, ...]
) -> DetectionResult:
    detection = settings.detection
    users, seen = (found.detections, found) if isinstance(found, Seen) else (found, None)
    rules = GroupingRules(
        detection.distance_threshold_px, detection.min_group_size, detection.crop_margin_px
    )
    at = _BEGAN + timedelta(seconds=truth.time_s)
    return DetectionResult(
        message_id=f"g{number}",
        camera_id="gate",
        captured_at=at,
        produced_at=at,
        frame=Frame(number, *_SIZE),
        detections=users,
        groups=group(users, _SIZE, rules, seen),
        inference_ms=0.0,
        model="truth",
    )
