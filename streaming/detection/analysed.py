"""One analysed frame as the message that says what it shows. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
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


@dataclass(frozen=True, slots=True)
class Draft:
    """A frame with its groups; `pictures` are the overview and each group's crop, as JPEG."""

    analysed: AnalysedFrame
    groups: tuple[Group, ...]
    pictures: tuple[bytes, ...]


def drafted(analysed: AnalysedFrame, rules: ResultRules) -> Draft:
    """All of the message but the references to its pictures."""
    image = analysed.frame.image
    height, width = image.shape[:2]
    groups = group(analysed.detections, (width, height), rules.grouping, analysed.seen)
    crops = [jpeg(crop(image, g.xyxy), rules.pictures) for g in groups]
    return Draft(analysed, groups, (jpeg(image, rules.pictures), *crops))


def result(
    draft: Draft, refs: Sequence[str | None], *, message_id: str, now: datetime
) -> DetectionResult:
    """The message of one frame; `refs` name its pictures, None where one is not kept."""
    analysed, (image_ref, *crop_refs) = draft.analysed, refs
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
        groups=tuple(
            msgspec.structs.replace(g, crop_ref=ref)
            for g, ref in zip(draft.groups, crop_refs, strict=True)
        ),
        inference_ms=round(analysed.inference_ms, 2),
        model=analysed.model,
    )
