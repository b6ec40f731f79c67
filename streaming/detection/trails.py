"""What is remembered of each track: its way, how it was turned, since when it stands. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import hypot
from typing import NamedTuple

import numpy as np

from streaming.detection.conflicts import Step, encroachments_s, half_lengths_s, speeds
from streaming.detection.movers import Floats, Movers

_REMEMBERED_S = 3.0
_EVERY_S = 0.4
"""A way is kept in pieces of this time: at ten frames a second as few as at two and a half."""
_STANDS_WITHIN = 0.25
"""Of `unit`: who stays within it stands, however the box trembles."""
_MOVES_FROM = 0.2
"""Of `unit` in a second: slower ones cross nobody's way."""


class Sight(NamedTuple):
    """One road user in a frame, on the plane of the `Movers`.

    `front` is half a length ahead of `place`, and `half_s` the time until `place` is there.
    """

    place: tuple[float, float]
    front: tuple[float, float]
    heading: tuple[float, float]
    unit: float
    half_s: float
    moves: bool


@dataclass(frozen=True, slots=True)
class Trail:
    """One track's past, places on the plane of the `Movers`.

    `steps` is the way, the oldest piece first; `last` is where the next begins. `anchor` is
    where it has stood since `still_since_s`; `against` counts sightings in a row in which it
    drove against its zone's direction.
    """

    heading: tuple[float, float]
    last: tuple[float, float]
    last_s: float
    anchor: tuple[float, float]
    still_since_s: float
    seen_s: float
    steps: tuple[Step, ...] = ()
    against: int = 0


def sights(movers: Movers) -> list[Sight]:
    """The movers one by one."""
    half_s = half_lengths_s(movers)
    front = movers.position + movers.velocity * half_s[:, None]
    moves = speeds(movers) >= _MOVES_FROM * movers.unit
    columns = (movers.position, front, movers.heading, movers.unit, half_s, moves)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [
        Sight((x, y), (fx, fy), (hx, hy), unit, half, going)
        for (x, y), (fx, fy), (hx, hy), unit, half, going in rows
    ]


def grown(trail: Trail | None, sight: Sight, now_s: float, *, against: bool) -> Trail:
    """A track's trail after a frame; `against` where it drives the wrong way now."""
    x, y = sight.place
    if trail is None:
        return Trail(sight.heading, (x, y), now_s, (x, y), now_s, now_s)
    anchor, since_s = trail.anchor, trail.still_since_s
    if hypot(x - anchor[0], y - anchor[1]) > _STANDS_WITHIN * sight.unit:
        anchor, since_s = (x, y), now_s
    last, last_s, steps = trail.last, trail.last_s, trail.steps
    if now_s - last_s >= _EVERY_S:
        steps = tuple(s for s in steps if s.to_s > now_s - _REMEMBERED_S)
        if sight.moves:
            steps = (*steps, Step(*last, x, y, last_s, now_s, sight.half_s))
        last, last_s = (x, y), now_s
    count = trail.against + 1 if against else 0
    return Trail(sight.heading, last, last_s, anchor, since_s, now_s, steps, count)


def crossings_s(
    seen: Mapping[int, Sight], trails: Mapping[int, Trail], now_s: float
) -> dict[tuple[int, int], float]:
    """Least post-encroachment time by (track who went first, track who came), from this frame.

    `seen` is this frame by track; `trails` are those before it.
    """
    coming = [
        (t, Step(*trails[t].last, *s.front, trails[t].last_s, now_s + s.half_s, s.half_s))
        for t, s in seen.items()
        if s.moves and t in trails
    ]
    went = [(t, step) for t, trail in trails.items() for step in trail.steps]
    if not coming or not went:
        return {}
    times = encroachments_s(_rows(coming), _rows(went), now_s)
    found: dict[tuple[int, int], float] = {}
    for row, column in np.argwhere(np.isfinite(times)).tolist():
        pair = (went[column][0], coming[row][0])
        if pair[0] != pair[1]:
            found[pair] = min(found.get(pair, np.inf), float(times[row, column]))
    return found


def _rows(steps: Sequence[tuple[int, Step]]) -> Floats:
    return np.array([step for _, step in steps])
