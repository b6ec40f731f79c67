"""Tasks for the tests of scheduling."""

from datetime import UTC, datetime
from typing import Any

from streaming.messages import AssessmentTask, Detection
from tests import builders


def an_object(object_id: int, class_name: str, box: tuple[float, ...], **kw: Any) -> Detection:
    return builders.detection(object_id=object_id, class_name=class_name, xyxy=box, **kw)


CAR = an_object(1, "car", (100, 100, 180, 150), velocity=(40.0, 0.0))
PERSON = an_object(2, "person", (185, 100, 200, 150), velocity=(0.0, 1.0))


def a_task(message_id: str = "m-1", **kw: Any) -> AssessmentTask:
    """A person beside a moving car, captured now, to be judged within 30 s, without a picture."""
    defaults: dict[str, Any] = {
        "message_id": message_id,
        "camera_id": "cam-1",
        "captured_at": datetime.now(UTC),
        "objects": (CAR, PERSON),
        "spatial": builders.spatial(pedestrian_vehicle_min_distance=52.0, time_to_collision_s=0.9),
        "image_ref": None,
    }
    return builders.assessment_task(**(defaults | kw))
