"""assessment-tasks: one group that a vision language model is to judge."""

from streaming.messages.base import BBox, Count, Id, Int32, Message, Number, Timestamp
from streaming.messages.detection_result import Detection, Spatial


def task_id(message_id: str, group_index: int) -> str:
    """The same group of the same frame always gets the same id, whoever plans it."""
    return f"{message_id}:{group_index}"


class AssessmentTask(Message, frozen=True, kw_only=True):
    """One group to judge; key on the wire: messageId. `priority` 0 (can wait) to 100."""

    task_id: Id
    message_id: Id
    camera_id: Id
    group_index: Count
    group_count: Count
    captured_at: Timestamp
    created_at: Timestamp
    deadline_at: Timestamp
    priority: Int32
    objects: tuple[Detection, ...]
    xyxy: BBox
    frame_size: tuple[Count, Count]
    spatial: Spatial
    surrogate_risk: Number
    image_ref: str | None = None
