"""What the tasks of one detection message are. Pure; standard library and msgspec only.

priority = 60 x surrogate risk + people + camera priority / 5, rounded, 0 to 100, where people
is 20 if the group has a pedestrian near a vehicle, 10 if it has a pedestrian and no vehicle.
So a pedestrian in the way of a car (60 + 20) comes before any queue of cars (30), and the
camera's own priority (0 to 20) decides between groups that look alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from streaming.errors import BadMessage
from streaming.messages import Detection, DetectionResult, Group, task_id

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


class Planned(msgspec.Struct, frozen=True, gc=False):
    """A group that is to be judged, and what its task says beyond what the frame says.

    `place` is the group's place in the message, `members` are those of its detections there.
    """

    task_id: str
    place: int
    group: Group
    members: list[int]
    priority: int
    deadline_at: datetime


def plan(detection: DetectionResult, policy: PlanPolicy) -> tuple[Planned, ...]:
    """One task a group, in the groups' order; none for a frame without groups.

    A frame that is too old makes tasks all the same: the scheduler ends them as expired, so
    that every group is accounted for.

    Raises:
        BadMessage: the groups contradict the message: a number twice, a member that is not
            among the detections or comes twice, a messageId too long for task ids, a deadline
            beyond the calendar.
    """
    groups, message_id, objects = detection.groups, detection.message_id, detection.detections
    if not groups:
        return ()
    length = len(message_id)
    if not 0 < length <= _LONGEST_MESSAGE_ID:
        raise BadMessage(f"messageId has {length} characters, 1 to {_LONGEST_MESSAGE_ID} make ids")
    places = {d.object_id: place for place, d in enumerate(objects)}
    if len(places) != len(objects):
        raise BadMessage("detections: an objectId comes twice")
    deadline_at = _deadline(detection.captured_at, policy.task_deadline_s)
    camera_priority = policy.camera_priorities.get(detection.camera_id, DEFAULT_CAMERA_PRIORITY)
    planned = {}
    for place, group in enumerate(groups):
        index, members = group.group_index, _members(group, places)
        value = _priority(group, objects, members, camera_priority)
        name = task_id(message_id, index)
        planned[index] = Planned(name, place, group, members, value, deadline_at)
    if len(planned) != len(groups):
        raise BadMessage("groups: a groupIndex comes twice")
    return tuple(planned.values())


def _priority(
    group: Group, objects: Sequence[Detection], members: list[int], camera_priority: int
) -> int:
    """0 (can wait) to 100, by the module's formula; a risk outside 0..1 counts as its bound."""
    risk, people = group.surrogate_risk, 0.0
    if not 0.0 <= risk <= 1.0:
        risk = 0.0 if risk < 0.0 else 1.0
    if group.spatial.pedestrian_vehicle_min_distance is not None:
        people = _PEDESTRIAN_NEAR_VEHICLE
    else:
        for member in members:
            if objects[member].class_name == "person":
                people = _PEDESTRIAN
                break
    return round(_RISK_WEIGHT * risk + people + _CAMERA_WEIGHT * camera_priority)


def _members(group: Group, places: Mapping[int, int]) -> list[int]:
    ids = group.member_object_ids
    if len(set(ids)) != len(ids):
        raise BadMessage(f"groups[{group.group_index}]: a member comes twice")
    try:
        return list(map(places.__getitem__, ids))
    except KeyError as exc:
        raise BadMessage(
            f"groups[{group.group_index}]: member {exc.args[0]} is not among the detections"
        ) from exc


def _deadline(captured_at: datetime, task_deadline_s: float) -> datetime:
    try:
        return captured_at + timedelta(seconds=task_deadline_s)
    except OverflowError as exc:
        raise BadMessage(f"capturedAt {captured_at.isoformat()} is out of range") from exc
