"""One detection message to its tasks. Pure; standard library and msgspec only.

priority = 60 x surrogate risk + people + camera priority / 5, rounded, 0 to 100, where people
is 20 if the group has a pedestrian near a vehicle, 10 if it has a pedestrian and no vehicle.
So a pedestrian in the way of a car (60 + 20) comes before any queue of cars (30), and the
camera's own priority (0 to 20) decides between groups that look alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from streaming.errors import BadMessage
from streaming.messages import AssessmentTask, Detection, DetectionResult, Group, task_id

DEFAULT_CAMERA_PRIORITY = 50

_LONGEST_MESSAGE_ID = 189
"""An id has at most 200 characters, and a taskId is the messageId, a colon and ten digits."""

_RISK_WEIGHT = 60.0
_PEDESTRIAN_NEAR_VEHICLE = 20.0
_PEDESTRIAN = 10.0
_CAMERA_WEIGHT = 0.2


@dataclass(frozen=True, slots=True)
class PlanPolicy:
    """`task_deadline_s` counts from the capture; camera priorities are 0 to 100, by camera id."""

    task_deadline_s: float = 30.0
    camera_priorities: Mapping[str, int] = field(default_factory=dict)


def plan(
    detection: DetectionResult, policy: PlanPolicy, now: datetime
) -> tuple[AssessmentTask, ...]:
    """One task a group, in the groups' order; none for a frame without groups.

    A frame that is too old makes tasks all the same: the scheduler ends them as expired, so
    that every group is accounted for. Everything but `created_at` (which is `now`) follows
    from the message and the policy alone.

    Raises:
        BadMessage: the groups contradict the message: a number twice, a member that is not
            among the detections or comes twice, a messageId too long for task ids, a deadline
            beyond the calendar.
    """
    if not detection.groups:
        return ()
    length = len(detection.message_id)
    if not 0 < length <= _LONGEST_MESSAGE_ID:
        raise BadMessage(f"messageId has {length} characters, 1 to {_LONGEST_MESSAGE_ID} make ids")
    objects = {d.object_id: d for d in detection.detections}
    if len(objects) != len(detection.detections):
        raise BadMessage("detections: an objectId comes twice")
    if len({g.group_index for g in detection.groups}) != len(detection.groups):
        raise BadMessage("groups: a groupIndex comes twice")
    deadline_at = _deadline(detection.captured_at, policy.task_deadline_s)
    camera_priority = policy.camera_priorities.get(detection.camera_id, DEFAULT_CAMERA_PRIORITY)
    size = (detection.frame.width, detection.frame.height)
    members = [_members(group, objects) for group in detection.groups]
    return tuple(
        AssessmentTask(
            task_id=task_id(detection.message_id, group.group_index),
            message_id=detection.message_id,
            camera_id=detection.camera_id,
            group_index=group.group_index,
            group_count=len(detection.groups),
            captured_at=detection.captured_at,
            created_at=now,
            deadline_at=deadline_at,
            priority=priority(group, users, camera_priority),
            objects=users,
            xyxy=group.xyxy,
            frame_size=size,
            spatial=group.spatial,
            surrogate_risk=group.surrogate_risk,
            image_ref=group.crop_ref,
        )
        for group, users in zip(detection.groups, members, strict=True)
    )


def priority(group: Group, members: tuple[Detection, ...], camera_priority: int) -> int:
    """0 (can wait) to 100, by the module's formula; a risk outside 0..1 counts as its bound."""
    people = 0.0
    if group.spatial.pedestrian_vehicle_min_distance is not None:
        people = _PEDESTRIAN_NEAR_VEHICLE
    elif any(d.class_name == "person" for d in members):
        people = _PEDESTRIAN
    risk = min(1.0, max(0.0, group.surrogate_risk))
    value = _RISK_WEIGHT * risk + people + _CAMERA_WEIGHT * camera_priority
    return min(100, max(0, round(value)))


def _members(group: Group, objects: Mapping[int, Detection]) -> tuple[Detection, ...]:
    if len(set(group.member_object_ids)) != len(group.member_object_ids):
        raise BadMessage(f"groups[{group.group_index}]: a member comes twice")
    try:
        return tuple([objects[i] for i in group.member_object_ids])
    except KeyError as exc:
        raise BadMessage(
            f"groups[{group.group_index}]: member {exc.args[0]} is not among the detections"
        ) from exc


def _deadline(captured_at: datetime, task_deadline_s: float) -> datetime:
    try:
        return captured_at + timedelta(seconds=task_deadline_s)
    except OverflowError as exc:
        raise BadMessage(f"capturedAt {captured_at.isoformat()} is out of range") from exc
