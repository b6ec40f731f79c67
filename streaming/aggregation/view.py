"""A frame as people and programs see it: its picture, its road users, its groups' risks. Pure."""

from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace

from streaming.aggregation.merge import FrameMerge, FrameState, MergedFrame, ShownRisk
from streaming.messages import (
    BBox,
    Detection,
    DetectionResult,
    RiskAssessment,
    SkippedGroups,
    SkipReason,
)
from streaming.messages.base import Part
from streaming.messages.detection_result import Frame, Group


class GroupView(Part, frozen=True, kw_only=True, rename="camel"):
    """One group: where it is, and what the model said; `risk_level` "pending" until it did.

    `xyxy` in pixels, None while the frame's detection has not come. `confidence` is the
    verdict's, `average_confidence` the detector's over the members.

    A group without a task of its own says why in `skipped`; the verdict on a group like it,
    given to a frame `carried_age_s` older, stands for it, and `task_id` is that one's.
    """

    group_index: int
    xyxy: BBox | None = None
    member_object_ids: tuple[int, ...] = ()
    classes: tuple[str, ...] = ()
    average_confidence: float = 0.0
    crop_ref: str | None = None
    risk_level: ShownRisk = "pending"
    task_id: str | None = None
    status: str | None = None
    confidence: float = 0.0
    risk_types: tuple[str, ...] = ()
    description: str = ""
    danger_object_count: int = 0
    trigger_object_ids: tuple[int, ...] = ()
    image_used: bool | None = None
    error: str | None = None
    llm_ms: float | None = None
    end_to_end_ms: float | None = None
    assessed_at: datetime | None = None
    skipped: SkipReason | None = None
    carried_age_s: float | None = None


class FrameView(Part, frozen=True, kw_only=True, rename="camel"):
    """One frame: `frame` and `detections` are empty while only verdicts of it have come."""

    message_id: str
    camera_id: str
    captured_at: datetime
    state: FrameState
    max_risk_level: ShownRisk
    has_dangerous_driving: bool
    group_count: int
    groups: tuple[GroupView, ...]
    frame: Frame | None = None
    detections: tuple[Detection, ...] = ()
    produced_at: datetime | None = None
    inference_ms: float | None = None
    detection_model: str | None = None
    llm_ms: float | None = None
    end_to_end_ms: float | None = None
    llm_model: str | None = None
    assessed_at: datetime | None = None

    @property
    def judged(self) -> bool:
        """True when the frame says something about risk: it has a danger, or all of it is known."""
        return self.state != "pending" or self.has_dangerous_driving


def frame_view(
    detection: DetectionResult | None,
    assessments: tuple[RiskAssessment, ...],
    *,
    timed_out: bool,
    notice: SkippedGroups | None = None,
    earlier: Mapping[str, RiskAssessment] | None = None,
) -> FrameView:
    """Join what is known of one frame: its detection, its verdicts, what was left out of it.

    `earlier` holds results of other frames' tasks, by taskId, as far as `notice` names them.
    At least one of detection, assessments and notice is there.
    """
    group_count = len(detection.groups) if detection else notice.group_count if notice else 0
    merge = FrameMerge(group_count, notice.skipped if notice else (), earlier or {})
    for assessment in assessments:
        merge.add(assessment)
    merged = merge.result(timed_out=timed_out)
    source = detection or notice or assessments[0]
    return FrameView(
        message_id=source.message_id,
        camera_id=source.camera_id,
        captured_at=source.captured_at,
        state=merged.state,
        max_risk_level=merged.max_risk_level,
        has_dangerous_driving=merged.has_dangerous_driving,
        group_count=merged.group_count,
        groups=_groups(detection, notice, merged, source.captured_at),
        frame=detection.frame if detection else None,
        detections=detection.detections if detection else (),
        produced_at=detection.produced_at if detection else None,
        inference_ms=detection.inference_ms if detection else None,
        detection_model=detection.model if detection else None,
        llm_ms=merged.llm_ms,
        end_to_end_ms=merged.end_to_end_ms,
        llm_model=merged.llm_model,
        assessed_at=merged.assessed_at,
    )


def _groups(
    detection: DetectionResult | None,
    notice: SkippedGroups | None,
    merged: MergedFrame,
    captured_at: datetime,
) -> tuple[GroupView, ...]:
    verdicts = {a.group_index: a for a in merged.results}
    places = {g.group_index: g for g in detection.groups} if detection else {}
    reasons = {s.group_index: s.reason for s in notice.skipped} if notice else {}
    by_id = {d.object_id: d for d in detection.detections} if detection else {}
    missing: ShownRisk = "pending" if merged.state == "pending" else "unknown"
    shown = []
    for index in sorted(places.keys() | verdicts.keys() | reasons.keys()):
        place = _place(index, places.get(index), by_id)
        if index in verdicts:
            shown.append(_judged(place, verdicts[index]))
        elif index in merged.carried:
            shown.append(_carried(place, merged.carried[index], captured_at))
        else:
            level: ShownRisk = "unknown" if reasons.get(index) == "rate" else missing
            shown.append(replace(place, risk_level=level, skipped=reasons.get(index)))
    return tuple(shown)


def _place(index: int, place: Group | None, by_id: dict[int, Detection]) -> GroupView:
    members = [by_id[i] for i in place.member_object_ids if i in by_id] if place else []
    confidences = [m.confidence for m in members]
    return GroupView(
        group_index=index,
        xyxy=place.xyxy if place else None,
        member_object_ids=place.member_object_ids if place else (),
        classes=tuple(sorted({m.class_name for m in members})),
        average_confidence=round(sum(confidences) / len(confidences), 4) if confidences else 0.0,
        crop_ref=place.crop_ref if place else None,
    )


def _judged(place: GroupView, verdict: RiskAssessment) -> GroupView:
    return replace(
        place,
        risk_level=verdict.risk_level,
        task_id=verdict.task_id,
        status=verdict.status,
        confidence=verdict.confidence,
        risk_types=verdict.risk_types,
        description=verdict.description,
        danger_object_count=verdict.danger_object_count,
        trigger_object_ids=verdict.trigger_object_ids,
        image_used=verdict.image_used,
        error=verdict.error.message if verdict.error else None,
        llm_ms=verdict.latency.llm_ms,
        end_to_end_ms=verdict.latency.end_to_end_ms,
        assessed_at=verdict.assessed_at,
    )


def _carried(place: GroupView, verdict: RiskAssessment, captured_at: datetime) -> GroupView:
    return replace(
        _judged(place, verdict),
        # The earlier frame numbered its objects for itself.
        trigger_object_ids=(),
        llm_ms=None,
        end_to_end_ms=None,
        skipped="repeat",
        carried_age_s=round((captured_at - verdict.captured_at).total_seconds(), 3),
    )
