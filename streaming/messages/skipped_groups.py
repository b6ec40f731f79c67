"""skipped-groups: the groups of a frame that were given to no model, and why."""

from typing import Literal

from streaming.messages.base import Count, Id, Message, Part, Timestamp

SkipReason = Literal["repeat", "rate"]


class SkippedGroup(Part, frozen=True):
    """One group without a task.

    `repeat`: much like a group sent a moment ago, whose task `like` names and whose verdict
    stands for this one. `rate`: the camera has had its tasks for this minute.
    """

    group_index: Count
    reason: SkipReason
    like: Id | None = None


class SkippedGroups(Message, frozen=True, kw_only=True):
    """What a frame's tasks leave out; key on the wire: cameraId. No message where nothing is.

    `group_count` is the number of all the frame's groups.
    """

    message_id: Id
    camera_id: Id
    captured_at: Timestamp
    group_count: Count
    skipped: tuple[SkippedGroup, ...]
