"""One dangerous moment is one alert: which sightings of danger belong together. Pure."""

from datetime import datetime
from typing import Literal

import msgspec

from streaming.aggregation.merge import DANGEROUS
from streaming.aggregation.view import FrameView, GroupView
from streaming.messages import RISK_LEVELS, BBox, RiskLevel
from streaming.messages.base import Part

QUIET_S = 6.0
"""A danger not seen for so long is over: three frames at the default interval of 1.8 s."""

LEAST_OVERLAP = 0.15
"""Intersection over union of two sightings' boxes; road users move about a box's width."""

_SIGHTINGS_KEPT = 40


Step = Literal["opened", "raised", "seen"]
"""What a sighting did to its alert: only the first two are news to a person."""


class Alert(Part, frozen=True, kw_only=True, rename="camel"):
    """A dangerous moment at one camera: the worst verdict of it, and how long it lasts.

    `id` is the taskId of the first sighting, `bbox` (pixels of a frame of `frame_size`)
    where it was last seen, `image_ref` the crop that the worst verdict was given for.
    `current_level` follows the last sighting; `risk_level` is the highest of all.
    """

    id: str
    camera_id: str
    camera_name: str
    risk_level: RiskLevel
    current_level: RiskLevel
    confidence: float
    risk_types: tuple[str, ...]
    description: str
    bbox: BBox | None
    frame_size: tuple[int, int] | None
    image_ref: str | None
    message_id: str
    captured_at: datetime
    assessed_at: datetime
    last_seen_at: datetime
    sightings: tuple[str, ...]
    """The tasks that saw it, oldest first: redelivered ones are not counted again."""
    acknowledged: bool = False
    acknowledged_at: datetime | None = None


def sightings(view: FrameView, camera_name: str) -> tuple[Alert, ...]:
    """Each dangerous group of a frame, as the alert it would be if it were the first.

    A group whose place is not known yet waits for the frame's detection, unless the frame
    was given up.
    """
    waiting = view.state != "partial"
    return tuple(
        _sighting(view, group, camera_name)
        for group in view.groups
        if group.risk_level in DANGEROUS and not (group.xyxy is None and waiting)
    )


def placed(sighting: Alert, recent: tuple[Alert, ...]) -> tuple[Alert, Step] | None:
    """The alert to keep for a sighting: one of `recent` grown by it, or the sighting itself.

    None when it was counted before.
    """
    if any(task in alert.sightings for alert in recent for task in sighting.sightings):
        return None
    near = [alert for alert in recent if _same_moment(alert, sighting)]
    if not near:
        return sighting, "opened"
    before = max(near, key=lambda a: a.last_seen_at)
    after = _grown(before, sighting)
    return after, "seen" if after.risk_level == before.risk_level else "raised"


def overlap(a: BBox, b: BBox) -> float:
    """Intersection over union of two boxes, 0..1."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def _sighting(view: FrameView, group: GroupView, camera_name: str) -> Alert:
    task_id = group.task_id or f"{view.message_id}:{group.group_index}"
    level: RiskLevel = "high" if group.risk_level == "high" else "medium"
    return Alert(
        id=task_id,
        camera_id=view.camera_id,
        camera_name=camera_name,
        risk_level=level,
        current_level=level,
        confidence=group.confidence,
        risk_types=group.risk_types,
        description=group.description,
        bbox=group.xyxy,
        frame_size=(view.frame.width, view.frame.height) if view.frame else None,
        image_ref=group.crop_ref,
        message_id=view.message_id,
        captured_at=view.captured_at,
        assessed_at=group.assessed_at or view.captured_at,
        last_seen_at=view.captured_at,
        sightings=(task_id,),
    )


def _same_moment(alert: Alert, sighting: Alert) -> bool:
    before_s = (alert.captured_at - sighting.captured_at).total_seconds()
    after_s = (sighting.captured_at - alert.last_seen_at).total_seconds()
    if max(before_s, after_s) > QUIET_S:
        return False
    if alert.bbox is None or sighting.bbox is None:
        return True
    return overlap(alert.bbox, sighting.bbox) >= LEAST_OVERLAP


def _grown(alert: Alert, sighting: Alert) -> Alert:
    """The alert with one more sighting: the worse verdict's words and picture."""
    newer = sighting.last_seen_at >= alert.last_seen_at
    worse = _severity(sighting) > _severity(alert)
    worst = sighting if worse else alert
    last = sighting if newer else alert
    return msgspec.structs.replace(
        alert,
        risk_level=worst.risk_level,
        confidence=worst.confidence,
        risk_types=worst.risk_types,
        description=worst.description,
        image_ref=worst.image_ref,
        message_id=worst.message_id,
        assessed_at=worst.assessed_at,
        current_level=last.current_level,
        bbox=last.bbox or alert.bbox,
        frame_size=last.frame_size or alert.frame_size,
        last_seen_at=last.last_seen_at,
        sightings=(*alert.sightings, *sighting.sightings)[-_SIGHTINGS_KEPT:],
    )


def _severity(alert: Alert) -> tuple[int, float]:
    return RISK_LEVELS.index(alert.risk_level), alert.confidence
