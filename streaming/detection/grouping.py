"""Road users that stand close to each other, as groups. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import hypot

import msgspec
import numpy as np

from streaming.detection.classes import MOTOR_VEHICLES, PEDESTRIANS, ROAD_USERS
from streaming.detection.pairs import Pairs, still_pairs
from streaming.detection.scene import Seen
from streaming.messages import BBox, Detection, Group, Spatial

_DENSITY_AREA_PX2 = 10_000.0


@dataclass(frozen=True, slots=True)
class GroupingRules:
    """Distances in pixels of the frame."""

    distance_threshold_px: float = 150.0
    min_group_size: int = 2
    crop_margin_px: int = 12


def group(
    detections: Sequence[Detection],
    frame_size: tuple[int, int],
    rules: GroupingRules,
    seen: Seen | None = None,
) -> tuple[Group, ...]:
    """Road users joined wherever two centres are within the threshold, directly or by others.

    `frame_size` is (width, height) in pixels; `seen` is what a tracked camera knows besides of
    the same detections. Groups are numbered by their lowest object id, and name their members in
    rising order, so that the same detections always give the same groups. One who drives the
    wrong way or stands where nobody should is a group also alone.
    """
    users = sorted((d for d in detections if d.class_name in ROAD_USERS), key=_object_id)
    pairs = still_pairs(users) if seen is None else seen.pairs
    irregular = {} if seen is None else seen.irregular
    sets = connected([_centre(d.xyxy) for d in users], rules.distance_threshold_px)
    groups: list[Group] = []
    for numbers in sets:
        members = [users[i] for i in numbers]
        least = max((irregular.get(d.object_id, 0.0) for d in members), default=0.0)
        if len(members) >= rules.min_group_size or least > 0:
            found = _group(len(groups), members, pairs, least)
            box = _crop_box(found.xyxy, frame_size, rules.crop_margin_px)
            groups.append(msgspec.structs.replace(found, xyxy=box))
    return tuple(groups)


def connected(centres: Sequence[tuple[float, float]], within: float) -> list[list[int]]:
    """Indices of points joined by distances of at most `within`, by union-find.

    Each set is in rising order, and the sets are in the order of their first index.
    """
    parent = list(range(len(centres)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for a, b in _close_pairs(centres, within):
        low, high = sorted((root(a), root(b)))
        parent[high] = low
    sets: dict[int, list[int]] = {}
    for i in range(len(centres)):
        sets.setdefault(root(i), []).append(i)
    return list(sets.values())


def _close_pairs(centres: Sequence[tuple[float, float]], within: float) -> list[tuple[int, int]]:
    points = np.asarray(centres, np.float64).reshape(-1, 2)
    offsets = points[:, None, :] - points[None, :, :]
    close = np.hypot(offsets[..., 0], offsets[..., 1]) <= within
    return [(int(a), int(b)) for a, b in np.argwhere(np.triu(close, k=1))]


def _group(index: int, members: list[Detection], pairs: Pairs, least_risk: float) -> Group:
    ids = tuple(d.object_id for d in members)
    return Group(
        group_index=index,
        member_object_ids=ids,
        xyxy=_hull(members),
        spatial=spatial_figures(members, pairs),
        surrogate_risk=round(max(pairs.risk(ids), least_risk), 3),
    )


def spatial_figures(members: Sequence[Detection], pairs: Pairs) -> Spatial:
    """How the members stand: see `Spatial` for the units; one alone has no spacing, so 0."""
    ids = [d.object_id for d in members]
    distances = [_distance(a, b) for a, b in combinations(members, 2)] or [0.0]
    left, top, right, bottom = _hull(members)
    area_px2 = max(1.0, (right - left) * (bottom - top))
    mixed = [
        _distance(a, b)
        for a in members
        if a.class_name in PEDESTRIANS
        for b in members
        if b.class_name in MOTOR_VEHICLES
    ]
    return Spatial(
        density=round(len(members) / area_px2 * _DENSITY_AREA_PX2, 3),
        average_spacing=round(sum(distances) / len(distances), 1),
        min_spacing=round(min(distances), 1),
        pedestrian_vehicle_min_distance=round(min(mixed), 1) if mixed else None,
        time_to_collision_s=pairs.collision_s(ids),
        worst_pair=pairs.worst(ids) or msgspec.UNSET,
    )


def _object_id(detection: Detection) -> int:
    return detection.object_id


def _centre(box: BBox) -> tuple[float, float]:
    return ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)


def _distance(a: Detection, b: Detection) -> float:
    (ax, ay), (bx, by) = _centre(a.xyxy), _centre(b.xyxy)
    return hypot(ax - bx, ay - by)


def _hull(members: Sequence[Detection]) -> BBox:
    boxes = [d.xyxy for d in members]
    return (
        min(b[0] for b in boxes),
        min(b[1] for b in boxes),
        max(b[2] for b in boxes),
        max(b[3] for b in boxes),
    )


def _crop_box(hull: BBox, frame_size: tuple[int, int], margin_px: int) -> BBox:
    width, height = frame_size
    return (
        max(0.0, hull[0] - margin_px),
        max(0.0, hull[1] - margin_px),
        min(float(width), hull[2] + margin_px),
        min(float(height), hull[3] + margin_px),
    )
