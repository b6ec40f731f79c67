"""One analysed frame as the message that says what it shows. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from msgspec import UNSET

from streaming.detection.camera import CapturedFrame
from streaming.detection.grouping import GroupingRules, group
from streaming.detection.pictures import PictureRules, crop, jpeg
from streaming.detection.scene import Seen
from streaming.messages import Detection, DetectionResult, Frame, Group


@dataclass(frozen=True, slots=True)
class AnalysedFrame:
    """A frame with what the model saw in it; `inference_ms` is its share of the batch's time.

    `seen` is what tracking adds where the camera's interval is short enough, see `scenes`.
    """

    frame: CapturedFrame
    detections: tuple[Detection, ...]
    inference_ms: float
    model: str
    seen: Seen | None = None


@dataclass(frozen=True, slots=True)
class ResultRules:
    """What turns detections into groups and images into JPEG."""

    grouping: GroupingRules
    pictures: PictureRules


def camera_of(analysed: AnalysedFrame) -> str:
    """The camera it came from."""
    return analysed.frame.camera_id


def groups_of(analysed: AnalysedFrame, rules: ResultRules) -> tuple[Group, ...]:
    """The frame's groups, without images yet."""
    height, width = analysed.frame.image.shape[:2]
    return group(analysed.detections, (width, height), rules.grouping, analysed.seen)


def with_images(
    analysed: AnalysedFrame,
    groups: tuple[Group, ...],
    rules: ResultRules,
    keep: Callable[[bytes], str | None],
) -> tuple[str | None, tuple[Group, ...]]:
    """Hand the overview and each group's crop to `keep`; its answers become the references."""
    image = analysed.frame.image
    overview = keep(jpeg(image, rules.pictures))
    refs = [keep(jpeg(crop(image, g.xyxy), rules.pictures)) for g in groups]
    return overview, tuple(
        Group(
            group_index=g.group_index,
            member_object_ids=g.member_object_ids,
            xyxy=g.xyxy,
            spatial=g.spatial,
            surrogate_risk=g.surrogate_risk,
            crop_ref=ref,
        )
        for g, ref in zip(groups, refs, strict=True)
    )


def result(
    analysed: AnalysedFrame,
    groups: tuple[Group, ...],
    *,
    image_ref: str | None,
    message_id: str,
    now: datetime,
) -> DetectionResult:
    """The message of one frame."""
    height, width = analysed.frame.image.shape[:2]
    return DetectionResult(
        message_id=message_id,
        camera_id=analysed.frame.camera_id,
        captured_at=analysed.frame.captured_at,
        produced_at=now,
        frame=Frame(
            sequence=analysed.frame.sequence,
            width=width,
            height=height,
            image_ref=image_ref,
            due_at=analysed.frame.due_at or UNSET,
        ),
        detections=analysed.detections,
        groups=groups,
        inference_ms=round(analysed.inference_ms, 2),
        model=analysed.model,
    )
