"""Every two road users of a frame: how they meet, and how dangerous that looks. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from streaming.detection.conflicts import closing_speeds, collision_times_s, time_gaps_s
from streaming.detection.movers import Floats, Movers
from streaming.detection.surrogates import NEARLY, moving_risks, near_risks
from streaming.messages import Detection, WorstPair

REPORTED_WITHIN_S = 5.0
"""A collision or a gap later than this is nobody's worry, and not told."""

_KMH = 3.6


@dataclass(frozen=True, slots=True)
class Conflicts:
    """(n, n) each: seconds, inf where there is none; metres and km/h only on the ground."""

    collision_s: Floats
    gap_s: Floats
    encroachment_s: Floats
    distance_m: Floats | None
    closing_kmh: Floats | None


@dataclass(frozen=True, slots=True)
class Pairs:
    """Of n users: `row` says which row of `risks` (n, n) an object id has."""

    row: Mapping[int, int]
    risks: Floats
    conflicts: Conflicts | None = None

    def risk(self, object_ids: Sequence[int]) -> float:
        """Of the worst pair among these, 0 to 1."""
        rows = [self.row[i] for i in object_ids]
        return float(self.risks[np.ix_(rows, rows)].max(initial=0.0))

    def collision_s(self, object_ids: Sequence[int]) -> float | None:
        """Least time to collision among these; None from `REPORTED_WITHIN_S` on."""
        if self.conflicts is None:
            return None
        rows = [self.row[i] for i in object_ids]
        return _told(self.conflicts.collision_s[np.ix_(rows, rows)].min(initial=np.inf))

    def worst(self, object_ids: Sequence[int]) -> WorstPair | None:
        """The worst pair among these with its figures; None for one alone or without tracks."""
        if self.conflicts is None or len(object_ids) < 2:
            return None
        rows = [self.row[i] for i in object_ids]
        among = self.risks[np.ix_(rows, rows)]
        first, second = divmod(int(among.argmax()), len(rows))
        at, found = (rows[first], rows[second]), self.conflicts
        if first == second:
            return None
        return WorstPair(
            object_ids=(object_ids[first], object_ids[second]),
            time_to_collision_s=_told(found.collision_s[at]),
            time_gap_s=_told(found.gap_s[at]),
            post_encroachment_s=_told(found.encroachment_s[at]),
            distance_m=_figure(found.distance_m, at),
            closing_kmh=_figure(found.closing_kmh, at),
        )


def still_pairs(users: Sequence[Detection]) -> Pairs:
    """Pairs of a camera that is not tracked: nearness is all there is."""
    return Pairs(_rows(users), near_risks(users))


def moving_pairs(users: Sequence[Detection], movers: Movers, encroachment_s: Floats) -> Pairs:
    """Pairs of tracked users; `encroachment_s` (n, n) as `Conflicts` has it."""
    gaps = time_gaps_s(movers)
    collisions = collision_times_s(movers)
    nearly = collision_times_s(movers, NEARLY) if movers.metric else collisions
    risks = moving_risks(users, movers, nearly, gaps, encroachment_s)
    distance = closing = None
    if movers.metric:
        offset = movers.position[None] - movers.position[:, None]
        distance = np.hypot(offset[..., 0], offset[..., 1])
        closing = closing_speeds(movers) * _KMH
    return Pairs(
        _rows(users), risks, Conflicts(collisions, gaps, encroachment_s, distance, closing)
    )


def _rows(users: Sequence[Detection]) -> dict[int, int]:
    return {d.object_id: k for k, d in enumerate(users)}


def _told(seconds: float) -> float | None:
    return round(float(seconds), 2) if seconds < REPORTED_WITHIN_S else None


def _figure(values: Floats | None, at: tuple[int, int]) -> float | None:
    if values is None or not np.isfinite(values[at]):
        return None
    return round(float(values[at]), 1)
