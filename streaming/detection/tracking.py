"""Who is who from one frame to the next: tracks by where each was heading. Pure.

A detection continues the track whose expected place it lies nearest to, within what the class
can have moved since. Boxes of frames half a second apart rarely overlap, so overlap (as in SORT
and ByteTrack) says little here; docs/decisions/0010-tracks-by-motion.md has the comparison.
Velocity is smoothed by an alpha-beta filter on the box's centre.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from streaming.detection.classes import ROAD_USERS
from streaming.messages import Detection

Floats = NDArray[np.float64]

LONGEST_INTERVAL_S = 0.5
"""Cameras with more between two frames are not tracked: too much can happen meanwhile."""

_FORGET_S = 1.5
_FORGET_STANDING_S = 5.0
"""Somebody who stands still is still there when whoever covers them has driven on."""
_ALPHA, _BETA = 0.8, 0.6
_SLACK = 0.5
_NEW_REACH_PER_S, _KNOWN_REACH_PER_S = 5.0, 2.0
"""How far from the expected place, in box sides: at once, and more for each second since."""
_LEAST_SIZE_RATIO = 0.45
_OTHER_CLASS = 0.6
_STANDING_SIDES_PER_S = 0.15


@dataclass(frozen=True, slots=True)
class Track:
    """One road user over time.

    `centre` in px, `velocity` in px/s, `side` (mean of the box's two) in px, `at_s` when last
    seen; `seen` counts the frames, and the velocity means something from 2 on.
    """

    track_id: int
    class_name: str
    centre: tuple[float, float]
    velocity: tuple[float, float]
    side: float
    at_s: float
    seen: int = 1


@dataclass(frozen=True, slots=True)
class Tracks:
    """All tracks of one camera; `next_id` is the number the next new one gets."""

    tracks: tuple[Track, ...] = ()
    next_id: int = 1


def follow(
    before: Tracks, detections: Sequence[Detection], at_s: float
) -> tuple[Tracks, tuple[Detection, ...]]:
    """The tracks after a frame, and its detections with `track_id` and, from the second
    sighting on, `velocity` (px/s).

    `at_s` is the frame's time, later than that of the frame before. What is no road user has
    no track.
    """
    users = [i for i, d in enumerate(detections) if d.class_name in ROAD_USERS]
    known = [t for t in before.tracks if at_s - t.at_s <= _kept_s(t)]
    pairs = dict(_matched(known, [detections[i] for i in users], at_s))
    next_id, now, tracked = before.next_id, [], list(detections)
    for number, i in enumerate(users):
        track = known[pairs[number]] if number in pairs else None
        if track is None:
            track, next_id = _begun(detections[i], next_id, at_s), next_id + 1
        else:
            track = _continued(track, detections[i], at_s)
        now.append(track)
        velocity = (round(track.velocity[0], 1), round(track.velocity[1], 1))
        tracked[i] = msgspec.structs.replace(
            detections[i],
            track_id=track.track_id,
            velocity=velocity if track.seen > 1 else None,
        )
    found = set(pairs.values())
    lost = [t for k, t in enumerate(known) if k not in found]
    return Tracks((*now, *lost), next_id), tuple(tracked)


def _matched(
    tracks: Sequence[Track], users: Sequence[Detection], at_s: float
) -> list[tuple[int, int]]:
    """(number of the detection, number of its track), the likeliest pairs first."""
    if not tracks or not users:
        return []
    cost = _costs(tracks, users, at_s)
    rows, columns = np.nonzero(np.isfinite(cost))
    order = np.argsort(cost[rows, columns], kind="stable")
    taken_tracks: set[int] = set()
    taken_users: set[int] = set()
    pairs = []
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if row not in taken_tracks and column not in taken_users:
            taken_tracks.add(row)
            taken_users.add(column)
            pairs.append((column, row))
    return pairs


def _costs(tracks: Sequence[Track], users: Sequence[Detection], at_s: float) -> Floats:
    """(tracks, detections): 0 for where it was expected and as it was; inf for out of reach."""
    state = np.array([(*t.centre, *t.velocity, t.side, at_s - t.at_s, t.seen) for t in tracks])
    boxes = np.array([d.xyxy for d in users])
    since_s = state[:, 5]
    expected = state[:, :2] + state[:, 2:4] * since_s[:, None]
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    sides = (boxes[:, 2:] - boxes[:, :2]).mean(axis=1)
    away = np.hypot(*(centres[None] - expected[:, None]).transpose(2, 0, 1))
    larger = np.maximum(state[:, 4, None], sides)
    ratio = np.minimum(state[:, 4, None], sides) / larger
    pace = np.where(state[:, 6] < 2, _NEW_REACH_PER_S, _KNOWN_REACH_PER_S)
    reach = larger * (_SLACK + pace * since_s)[:, None]
    names = np.array([[t.class_name != d.class_name for d in users] for t in tracks])
    cost: Floats = away / larger + (1 - ratio) + _OTHER_CLASS * names
    cost[(away > reach) | (ratio < _LEAST_SIZE_RATIO)] = np.inf
    return cost


def _begun(detection: Detection, track_id: int, at_s: float) -> Track:
    centre, side = _centre(detection), _side(detection)
    return Track(track_id, detection.class_name, centre, (0.0, 0.0), side, at_s)


def _continued(track: Track, detection: Detection, at_s: float) -> Track:
    """Alpha-beta: the new centre counts by alpha, what it says of the velocity by beta."""
    since_s = at_s - track.at_s
    (x, y), (vx, vy), (sx, sy) = track.centre, track.velocity, _centre(detection)
    off = (sx - x - vx * since_s, sy - y - vy * since_s)
    alpha, beta = (_ALPHA, _BETA) if track.seen > 1 else (1.0, 1.0)
    return Track(
        track.track_id,
        detection.class_name,
        (sx - (1 - alpha) * off[0], sy - (1 - alpha) * off[1]),
        (vx + beta * off[0] / since_s, vy + beta * off[1] / since_s),
        _side(detection),
        at_s,
        track.seen + 1,
    )


def _kept_s(track: Track) -> float:
    slow = max(map(abs, track.velocity)) < _STANDING_SIDES_PER_S * track.side
    return _FORGET_STANDING_S if slow and track.seen > 2 else _FORGET_S


def _centre(detection: Detection) -> tuple[float, float]:
    left, top, right, bottom = detection.xyxy
    return ((left + right) / 2, (top + bottom) / 2)


def _side(detection: Detection) -> float:
    left, top, right, bottom = detection.xyxy
    return max(1.0, (right - left + bottom - top) / 2)
