"""The gate: skip tasks that are similar to one sent a moment ago. Pure.

Standard library and msgspec only; Flink runs it as it is. A group is skipped when one like it,
and at least as dangerous, was sent from the same camera less than `repeat_after_s` before, or
when the camera has had its tasks for the minute. Time is the frames' own (`capturedAt`), and
the state is made of what was sent and nothing else: so a replay, a new process that reads the
sent tasks again, and Flink all decide alike.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import msgspec

from streaming.messages import (
    AssessmentTask,
    BBox,
    Detection,
    DetectionResult,
    Group,
    SkippedGroup,
    SkipReason,
)
from streaming.tasks.plan import Planned

_MINUTE_S = 60.0
_SOONER_S = 0.2
"""A collision must come closer by more than this to count: one pixel of jitter moves it as much."""
_NEARER = 0.9
"""A pedestrian must come nearer than 90 % of the distance to count, for the same reason."""


@dataclass(frozen=True, slots=True)
class GatePolicy:
    """When a group counts as sent already.

    `overlap`: least intersection over union of two boxes in the same place. `calm_risk`: up to
    this surrogate risk a group is known by its whole box, above it by each member's.
    `risk_tolerance`: a surrogate risk higher by no more than this is not more dangerous.
    `tasks_per_minute` a camera.
    """

    enabled: bool = True
    repeat_after_s: float = 20.0
    overlap: float = 0.3
    calm_risk: float = 0.25
    risk_tolerance: float = 0.05
    tasks_per_minute: int = 300


class Sent(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A task that was sent, as far as later groups are compared with it.

    `at_s` is the capture, `created_s` the planning, both in s since 1970; `kinds` are the
    members' class names, sorted and joined; `near_px` and `collision_s` are None where the
    group has no such danger.
    """

    task_id: str
    at_s: float
    created_s: float
    kinds: str
    objects: tuple[Detection, ...]
    xyxy: BBox
    risk: float
    near_px: float | None
    collision_s: float | None


CameraState = tuple[Sent, ...]
"""What one camera sent, oldest first; bounded by `tasks_per_minute` and the longer window."""


class Gated(NamedTuple):
    """The tasks to send, the groups skipped, and the camera's new state."""

    tasks: tuple[Planned, ...]
    skipped: tuple[SkippedGroup, ...]
    state: CameraState


def gate(
    state: CameraState,
    detection: DetectionResult,
    planned: tuple[Planned, ...],
    now: datetime,
    policy: GatePolicy,
) -> Gated:
    """Decide over all tasks of one frame."""
    if not planned or not policy.enabled:
        return Gated(planned, (), state)
    at_s = detection.captured_at.timestamp()
    entries = _entries(detection, planned, at_s, now.timestamp())
    recent = _recent(state, [e.kinds for e in entries], at_s, policy.repeat_after_s)
    fresh: list[tuple[Planned, Sent]] = []
    skipped: list[SkippedGroup] = []
    for task, entry in zip(planned, entries, strict=True):
        like = next((e for e in recent if _stands_for(e, entry, policy)), None) if recent else None
        if like is None:
            fresh.append((task, entry))
        else:
            skipped.append(_skip(task, "repeat", like.task_id))
    if len(state) + len(fresh) > policy.tasks_per_minute:
        room = policy.tasks_per_minute - _sent_within_a_minute(state, at_s)
        # The most dangerous first; of equals the lower number.
        by_priority = sorted(fresh, key=lambda f: (-f[0].priority, f[0].group.group_index))
        kept = {task.task_id for task, _ in by_priority[: max(0, room)]}
        skipped += [_skip(task, "rate", None) for task, _ in fresh if task.task_id not in kept]
        fresh = [f for f in fresh if f[0].task_id in kept]
    if not fresh:
        return Gated((), tuple(skipped), state)
    after = remember(state, [entry for _, entry in fresh], policy)
    return Gated(tuple([task for task, _ in fresh]), tuple(skipped), after)


def remember(state: CameraState, entries: Iterable[Sent], policy: GatePolicy) -> CameraState:
    """The state with more tasks sent, without those too old to be compared with."""
    after = (*state, *entries)
    newest_s = after[-1].at_s if after else 0.0
    window_s = max(policy.repeat_after_s, _MINUTE_S)
    first = 0
    # Either side: a frame from the future, by a wrong clock, must not stay for ever.
    while first < len(after) and abs(newest_s - after[first].at_s) >= window_s:
        first += 1
    return after[first:] if first else after


def sent(task: AssessmentTask) -> Sent:
    """A task as the gate remembers it."""
    at_s, created_s = task.captured_at.timestamp(), task.created_at.timestamp()
    return _sent(task.task_id, task, task.objects, at_s, created_s)


def _entries(
    detection: DetectionResult, planned: Iterable[Planned], at_s: float, created_s: float
) -> list[Sent]:
    """The frame's groups as they would be remembered."""
    objects = detection.detections
    return [
        _sent(p.task_id, p.group, tuple([objects[m] for m in p.members]), at_s, created_s)
        for p in planned
    ]


def _sent(
    task_id: str,
    group: Group | AssessmentTask,
    members: tuple[Detection, ...],
    at_s: float,
    created_s: float,
) -> Sent:
    spatial, kinds = group.spatial, [d.class_name for d in members]
    kinds.sort()
    return Sent(
        task_id,
        at_s,
        created_s,
        ",".join(kinds),
        members,
        group.xyxy,
        group.surrogate_risk,
        spatial.pedestrian_vehicle_min_distance,
        spatial.time_to_collision_s,
    )


def iou(a: BBox, b: BBox) -> float:
    """Intersection over union of two boxes, 0..1; 0 where a box has no area."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def _recent(
    state: CameraState, kinds: Collection[str], at_s: float, repeat_after_s: float
) -> list[Sent]:
    """What was sent before this frame and may stand for groups of these kinds, newest first."""
    found = []
    for entry in reversed(state):
        age_s = at_s - entry.at_s
        if age_s >= repeat_after_s:
            break
        if entry.kinds in kinds and age_s >= 0:
            found.append(entry)
    return found


def _stands_for(old: Sent, new: Sent, policy: GatePolicy) -> bool:
    """Whether the verdict on one may be shown for the other."""
    return old.kinds == new.kinds and _no_worse(new, old, policy) and _same_place(new, old, policy)


def _no_worse(new: Sent, old: Sent, policy: GatePolicy) -> bool:
    if new.risk > old.risk + policy.risk_tolerance:
        return False
    if new.near_px is not None and (old.near_px is None or new.near_px < old.near_px * _NEARER):
        return False
    return new.collision_s is None or (
        old.collision_s is not None and new.collision_s >= old.collision_s - _SOONER_S
    )


def _same_place(new: Sent, old: Sent, policy: GatePolicy) -> bool:
    """The same tracks, or boxes that overlap."""
    tracks = _tracks(new.objects)
    if tracks and tracks == _tracks(old.objects):
        return True
    if iou(new.xyxy, old.xyxy) < policy.overlap:
        return False
    if new.risk <= policy.calm_risk:
        return True
    return _each_overlaps(new.objects, old.objects, policy.overlap)


def _tracks(objects: Sequence[Detection]) -> frozenset[int]:
    """The members' track ids; empty where one has none."""
    if not objects or objects[0].track_id is None:
        return frozenset()
    ids = frozenset(d.track_id for d in objects if d.track_id is not None)
    return ids if len(ids) == len(objects) else frozenset()


def _each_overlaps(new: Sequence[Detection], old: Sequence[Detection], overlap: float) -> bool:
    """Whether every member has one of its class in its place, no two the same one."""
    left = list(old)
    for member in new:
        of_kind = [d for d in left if d.class_name == member.class_name]
        best = max(of_kind, key=lambda d: iou(member.xyxy, d.xyxy), default=None)
        if best is None or iou(member.xyxy, best.xyxy) < overlap:
            return False
        left.remove(best)
    return True


def _sent_within_a_minute(state: CameraState, at_s: float) -> int:
    return sum(1 for entry in state if abs(at_s - entry.at_s) < _MINUTE_S)


def _skip(task: Planned, reason: SkipReason, like: str | None) -> SkippedGroup:
    return SkippedGroup(task.group.group_index, reason, like)
