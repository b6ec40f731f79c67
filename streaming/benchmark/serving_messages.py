"""Frames of many cameras with their verdicts, as detection and scheduling would send them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from streaming.benchmark.task_messages import CAMERAS, INTERVAL_S, messages
from streaming.messages import Latency, RiskAssessment, RiskLevel, Usage, encode, task_id

GROUPS = 2
"""In each frame of `task_messages`."""

_MESSAGE_ID, _CAMERA_ID = "{message-id}", "{camera}"
_AT = datetime(2000, 1, 1, tzinfo=UTC)
_LEVELS: tuple[RiskLevel, ...] = ("none", "low", "none", "low", "none", "low", "none", "medium")


def frames(count: int, prefix: str, first_at: datetime) -> Iterator[tuple[bytes, bytes]]:
    """(camera id, DetectionResult) of so many frames."""
    return messages(count, prefix, first_at)


def verdicts(count: int, prefix: str, first_at: datetime) -> Iterator[tuple[bytes, bytes]]:
    """(camera id, RiskAssessment) for every group of these frames, in the same order."""
    templates = {
        (level, index): _template(level, index) for level in set(_LEVELS) for index in range(GROUPS)
    }
    for number in range(count):
        camera = number % CAMERAS
        at = first_at + timedelta(seconds=INTERVAL_S * (number // CAMERAS) + 0.03 * camera)
        for index in range(GROUPS):
            level = _LEVELS[(number // CAMERAS + camera + 3 * index) % len(_LEVELS)]
            yield (
                b"%d" % camera,
                (
                    templates[level, index]
                    .replace(_MESSAGE_ID.encode(), b"%s-%012d" % (prefix.encode(), number))
                    .replace(_CAMERA_ID.encode(), b"%d" % camera)
                    .replace(b"2000-01-01T00:00:00Z", at.isoformat().encode())
                ),
            )


def _template(level: RiskLevel, index: int) -> bytes:
    calm = level in {"none", "low"}
    return encode(
        RiskAssessment(
            task_id=task_id(_MESSAGE_ID, index),
            message_id=_MESSAGE_ID,
            camera_id=_CAMERA_ID,
            group_index=index,
            group_count=GROUPS,
            status="assessed",
            risk_level=level,
            confidence=0.81,
            risk_types=() if calm else ("跟车过近", "追尾风险"),
            description="交通正常。" if calm else "行驶中的车辆间距过小，存在追尾风险。",
            danger_object_count=0 if calm else 2,
            trigger_object_ids=() if calm else (4 * index, 4 * index + 1),
            model="qwen-vl-max",
            key_id="key_1",
            attempts=1,
            latency=Latency(queue_ms=12.0, llm_ms=820.0, end_to_end_ms=900.0),
            usage=Usage(prompt_tokens=620, completion_tokens=80),
            prompt_version="1",
            image_used=True,
            captured_at=_AT,
            assessed_at=_AT,
        )
    )
