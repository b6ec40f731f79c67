"""One camera from frame to frame: its tracks, and what their motion says of danger. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Final

import msgspec
import numpy as np

from streaming.detection.classes import ROAD_USERS
from streaming.detection.conflicts import speeds
from streaming.detection.ground import ground_matrix
from streaming.detection.movers import Floats, Movers, movers
from streaming.detection.pairs import Pairs, moving_pairs
from streaming.detection.surrogates import STOPPED_RISK, WRONG_WAY_RISK
from streaming.detection.tracking import Tracks, follow
from streaming.detection.trails import Trail, crossings_s, grown, sights
from streaming.detection.zones import (
    WRONG_WAY_AFTER,
    ZoneInPixels,
    against,
    in_pixels,
    stands_too_long,
    zone_at,
)
from streaming.messages import Detection, Homography, Motion, Zone

_KMH = 3.6
_TRAIL_KEPT_S = 6.0
_ENCROACHMENT_KEPT_S = 2.0
_UNKNOWN: Final = (np.nan, np.nan)
_NOTHING: Final = Motion()


@dataclass(frozen=True, slots=True)
class Place:
    """What a camera looks at, on frames of one size; `matrix` takes pixels to metres."""

    zones: tuple[ZoneInPixels, ...] = ()
    matrix: Floats | None = None


def place_of(zones: Sequence[Zone], homography: Homography | None, size: tuple[int, int]) -> Place:
    """A camera's zones and homography on frames of `size` (width, height)."""
    matrix = None if homography is None else ground_matrix(homography, size)
    return Place(in_pixels(zones, size), matrix)


@dataclass(frozen=True, slots=True)
class SceneState:
    """What a camera's next frame is compared with.

    `encroachments` has, by (track that went, track that came), how many seconds lay between
    them and when that was.
    """

    tracks: Tracks = field(default_factory=Tracks)
    trails: Mapping[int, Trail] = field(default_factory=dict)
    encroachments: Mapping[tuple[int, int], tuple[float, float]] = field(default_factory=dict)
    at_s: float = -np.inf


@dataclass(frozen=True, slots=True)
class Seen:
    """A frame of a tracked camera: its detections with tracks, and their pairs.

    `irregular` has by object id the risk of one who drives the wrong way or stands where nobody
    should: such a one is dangerous alone.
    """

    detections: tuple[Detection, ...]
    pairs: Pairs
    irregular: Mapping[int, float]


def look(
    before: SceneState, detections: Sequence[Detection], at_s: float, place: Place
) -> tuple[SceneState, Seen]:
    """The state after a frame at `at_s`, and what was seen in it.

    A frame that is not later than the one before begins anew: the clock was set back.
    """
    if at_s <= before.at_s:
        before = SceneState(Tracks(next_id=before.tracks.next_id))
    tracks, tracked = follow(before.tracks, detections, at_s)
    users = [d for d in tracked if d.class_name in ROAD_USERS]
    ids = [d.track_id or 0 for d in users]
    headings = [before.trails[i].heading if i in before.trails else _UNKNOWN for i in ids]
    on_plane = movers(users, place.matrix, np.array(headings).reshape(-1, 2))
    seen_now = dict(zip(ids, sights(on_plane), strict=True))
    trails = {i: t for i, t in before.trails.items() if at_s - t.seen_s < _TRAIL_KEPT_S}
    motions = {}
    for k, (user, track_id) in enumerate(zip(users, ids, strict=True)):
        zone = zone_at(place.zones, on_plane.foot_px[k]) if place.zones else None
        wrong = zone is not None and against(zone, user)
        trail = grown(before.trails.get(track_id), seen_now[track_id], at_s, against=wrong)
        trails[track_id] = trail
        motions[user.object_id] = _motion(user, trail, zone, at_s)
    met = _met(before, crossings_s(seen_now, before.trails, at_s), at_s)
    seen = Seen(
        _told(tracked, motions, users, on_plane),
        moving_pairs(users, on_plane, _by_pair(ids, met)),
        {i: risk for i, motion in motions.items() if (risk := _risk(motion)) > 0},
    )
    return SceneState(tracks, trails, met, at_s), seen


def _motion(user: Detection, trail: Trail, zone: ZoneInPixels | None, at_s: float) -> Motion:
    """What the zones say; the ground's figures are added later."""
    if zone is None:
        return _NOTHING
    stood_s = at_s - trail.still_since_s
    return Motion(
        zone=zone.name,
        wrong_way=trail.against >= WRONG_WAY_AFTER,
        stopped_s=round(stood_s, 1) if stands_too_long(zone, user, stood_s) else None,
    )


def _risk(motion: Motion) -> float:
    if motion.wrong_way:
        return WRONG_WAY_RISK
    return 0.0 if motion.stopped_s is None else STOPPED_RISK


def _told(
    tracked: Sequence[Detection],
    motions: Mapping[int, Motion],
    users: Sequence[Detection],
    on_plane: Movers,
) -> tuple[Detection, ...]:
    """The detections with their motion, as far as there is something to tell."""
    if on_plane.metric:
        kmh = (speeds(on_plane) * _KMH).round(1).tolist()
        places = on_plane.position.round(1).tolist()
        motions = {
            user.object_id: msgspec.structs.replace(
                motions[user.object_id],
                speed_kmh=speed if isfinite(speed) else None,
                position_m=(x, y) if isfinite(x) else None,
            )
            for user, speed, (x, y) in zip(users, kmh, places, strict=True)
        }
    found = [(d, motions.get(d.object_id, _NOTHING)) for d in tracked]
    return tuple(
        d if motion is _NOTHING else msgspec.structs.replace(d, motion=motion)
        for d, motion in found
    )


def _met(
    before: SceneState, new: Mapping[tuple[int, int], float], at_s: float
) -> dict[tuple[int, int], tuple[float, float]]:
    """The encroachments to remember; of one pair the closest."""
    met = {k: v for k, v in before.encroachments.items() if at_s - v[1] < _ENCROACHMENT_KEPT_S}
    for pair, seconds in new.items():
        if pair not in met or seconds < met[pair][0]:
            met[pair] = (seconds, at_s)
    return met


def _by_pair(ids: Sequence[int], met: Mapping[tuple[int, int], tuple[float, float]]) -> Floats:
    """(n, n) post-encroachment times of those in the frame."""
    row = {track_id: k for k, track_id in enumerate(ids)}
    times = np.full((len(ids), len(ids)), np.inf)
    for (went, came), (seconds, _) in met.items():
        if went in row and came in row:
            a, b = row[went], row[came]
            times[a, b] = times[b, a] = min(times[a, b], seconds)
    return times
