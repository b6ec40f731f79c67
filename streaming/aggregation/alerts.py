"""One dangerous moment is one alert: which sightings of danger belong together. Pure.

An alert opens with the first sighting, is raised and lowered as its level changes, and closes
when the danger has not been seen for a while. A sighting that comes late opens it again.
"""

from datetime import datetime, timedelta
from math import hypot
from typing import Literal

import msgspec

from streaming.aggregation.merge import DANGEROUS
from streaming.aggregation.view import FrameView, GroupView
from streaming.messages import RISK_LEVELS, BBox, RiskLevel
from streaming.messages.base import Part

QUIET_S = 12.0
"""A danger not seen for so long (by capture times) is over: seven frames at the default interval.

Groups form anew in every frame, so a danger that goes on is missed in some: of four synthetic
cameras' 57 sightings in two minutes, 6 s make 19 alerts, 12 s make 13, 20 s make 10.
"""

LATE_S = 5.0
"""How much longer its alert stays open: a sighting takes so long from capture to verdict."""

MOST_GAP = 0.5
"""Free space between two sightings' boxes, in their mean sides; road users move about that far."""

_SIGHTINGS_KEPT = 40


Step = Literal["opened", "raised", "lowered", "seen", "closed"]
"""What became of an alert; "seen" is no news: the danger goes on as it was."""


class Alert(Part, frozen=True, kw_only=True, rename="camel"):
    """A dangerous moment at one camera: the worst verdict of it, and how long it lasts.

    `id` is the taskId of the first sighting, `bbox` (pixels of a frame of `frame_size`)
    where it was last seen, `image_ref` the crop that the worst verdict was given for.
    `current_level` follows the last sighting; `risk_level` is the highest of all. `closed_at`
    is when it counts as over, None while it goes on.
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
    closed_at: datetime | None = None
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
    return after, _step(before, after)


def closed(alert: Alert) -> Alert:
    """The alert as it is once its danger was not seen for `QUIET_S`."""
    return msgspec.structs.replace(alert, closed_at=alert.last_seen_at + timedelta(seconds=QUIET_S))


def gap(a: BBox, b: BBox) -> float:
    """Free space between two boxes in means of their four sides; 0 where they touch."""
    dx = max(a[0] - b[2], b[0] - a[2], 0.0)
    dy = max(a[1] - b[3], b[1] - a[3], 0.0)
    sides = (a[2] - a[0]) + (a[3] - a[1]) + (b[2] - b[0]) + (b[3] - b[1])
    return hypot(dx, dy) / max(1.0, sides / 4)


def _step(before: Alert, after: Alert) -> Step:
    if before.closed_at is not None:
        return "seen" if after.closed_at else "opened"
    was, now = (RISK_LEVELS.index(a.current_level) for a in (before, after))
    if now > was or after.risk_level != before.risk_level:
        return "raised"
    return "lowered" if now < was else "seen"


def _sighting(view: FrameView, group: GroupView, camera_name: str) -> Alert:
    # A carried verdict is a sighting of its own: the danger goes on.
    own_id = f"{view.message_id}:{group.group_index}"
    task_id = own_id if group.skipped else group.task_id or own_id
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
    return gap(alert.bbox, sighting.bbox) <= MOST_GAP


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
        closed_at=None if newer else alert.closed_at,
        sightings=(*alert.sightings, *sighting.sightings)[-_SIGHTINGS_KEPT:],
    )


def _severity(alert: Alert) -> tuple[int, float]:
    return RISK_LEVELS.index(alert.risk_level), alert.confidence
