"""How nearly road users meet: time to collision, time gap, post-encroachment time. Pure.

By constant velocity and rectangles, on whatever plane the `Movers` are. Everything is (n, n),
the same for (a, b) as for (b, a), and inf where a pair has no such time: also with itself, and
while a velocity is not known.
"""

from typing import NamedTuple

import numpy as np

from streaming.detection.movers import Floats, Movers

_FOLLOWING = np.cos(np.radians(30.0))
_CROSSING = np.sin(np.radians(30.0))
"""Courses that differ by less than 30 degrees follow each other, by more they cross."""


def collision_times_s(movers: Movers, margin: float = 0.0) -> Floats:
    """Seconds until two rectangles touch (Hayward 1972); 0 where they overlap.

    With a margin, passing each other nearer than this part of `unit` is touching too. Rectangles
    that do not turn overlap just while they do on each of their four axes (separating axes), and
    on one axis the time of overlap is an interval.
    """
    heading = _headings(movers)
    axes = np.stack([heading, _across(heading)])  # (2, n, 2): the row's own two
    apart, pace = _along(axes, movers.position), _along(axes, movers.velocity)
    half, alike, skew = movers.size / 2, np.abs(heading @ heading.T), np.abs(axes[1] @ heading.T)
    spare = margin * (movers.unit[:, None] + movers.unit) / 2
    reach = spare + np.stack(
        [
            half[:, :1] + alike * half[:, 0] + skew * half[:, 1],
            half[:, 1:] + skew * half[:, 0] + alike * half[:, 1],
        ]
    )
    begin, end = _overlap(apart, pace, reach)
    # The column's two axes are the row's of the mirrored pair.
    begin, end = np.maximum(begin, begin.T), np.minimum(end, end.T)
    times = np.where((begin < end) & (end > 0), np.maximum(begin, 0.0), np.inf)
    np.fill_diagonal(times, np.inf)
    return times


def _overlap(apart: Floats, pace: Floats, reach: Floats) -> tuple[Floats, Floats]:
    """From when to when |apart + pace t| < reach on all axes; of what never is, an empty time."""
    with np.errstate(divide="ignore", invalid="ignore"):
        one, other = (-reach - apart) / pace, (reach - apart) / pace
    begin, end = np.minimum(one, other), np.maximum(one, other)
    still = np.abs(pace) < 1e-9
    inside = np.abs(apart) < reach
    begin = np.where(still, np.where(inside, -np.inf, np.inf), begin)
    end = np.where(still, np.where(inside, np.inf, -np.inf), end)
    return begin.max(axis=0), end.min(axis=0)


def closing_speeds(movers: Movers) -> Floats:
    """By how much two centres come nearer in a second; negative where they draw apart."""
    offset = movers.position[None] - movers.position[:, None]
    speed = movers.velocity[None] - movers.velocity[:, None]
    away = np.maximum(np.hypot(offset[..., 0], offset[..., 1]), 1e-9)
    closing: Floats = -(offset * speed).sum(axis=2) / away
    return closing


def time_gaps_s(movers: Movers) -> Floats:
    """Seconds from the rear of the one in front to the front of the one behind, by the speed of
    the one behind; only where both go the same way, one behind the other."""
    speed = speeds(movers)
    with np.errstate(invalid="ignore", divide="ignore"):
        course = movers.velocity / speed[:, None]
        axes = np.stack([course, _across(course)])
        ahead, aside = _along(axes, movers.position)
        heading = _headings(movers)
        half = movers.size / 2
        mine = [np.abs((heading * a).sum(axis=1)) for a in axes]  # cosines, sines of the drift
        theirs = [np.abs(a @ heading.T) for a in axes]
        length = (mine[0] * half[:, 0] + mine[1] * half[:, 1])[:, None]
        length = length + theirs[0] * half[:, 0] + theirs[1] * half[:, 1]
        width = (mine[1] * half[:, 0] + mine[0] * half[:, 1])[:, None]
        width = width + theirs[1] * half[:, 0] + theirs[0] * half[:, 1]
        behind = (course @ course.T > _FOLLOWING) & (ahead > 0) & (np.abs(aside) < width)
        gap = np.where(behind, np.maximum(ahead - length, 0.0) / speed[:, None], np.inf)
    return np.minimum(gap, gap.T)


class Step(NamedTuple):
    """A straight piece of somebody's way on the plane, and when it was gone (s).

    `half_s` is the time in which half of their length passes.
    """

    x0: float
    y0: float
    x1: float
    y1: float
    from_s: float
    to_s: float
    half_s: float


def encroachments_s(newest: Floats, trails: Floats, now_s: float) -> Floats:
    """(n, m) post-encroachment times (Allen et al. 1978) of n who come and m pieces of ways.

    From when the rear of the one who went leaves the place where the ways cross to when the front
    of the one who comes is there; 0 where the first had not left, inf where the ways do not cross,
    or not yet. Both arrays have `Step`s as rows. The n steps reach half a length ahead of where
    their owners are.
    """
    a, b = newest[:, None], trails[None, :]
    ax, ay, bx, by = a[..., 2] - a[..., 0], a[..., 3] - a[..., 1], *_run(b)
    x, y = b[..., 0] - a[..., 0], b[..., 1] - a[..., 1]
    turn = ax * by - ay * bx
    with np.errstate(divide="ignore", invalid="ignore"):
        on_a, on_b = (x * by - y * bx) / turn, (x * ay - y * ax) / turn
        sine = np.abs(turn) / np.sqrt((ax * ax + ay * ay) * (bx * bx + by * by))
        meet = (sine >= _CROSSING) & (on_a >= 0) & (on_a <= 1) & (on_b >= 0) & (on_b <= 1)
        came = a[..., 4] + on_a * (a[..., 5] - a[..., 4]) - a[..., 6]
        centre_went = b[..., 4] + on_b * (b[..., 5] - b[..., 4])
    meet &= (came <= now_s) & (came > centre_went)
    return np.where(meet, np.maximum(came - centre_went - b[..., 6], 0.0), np.inf)


def speeds(movers: Movers) -> Floats:
    """(n,) plane units a second; nan where not known."""
    speed: Floats = np.hypot(movers.velocity[:, 0], movers.velocity[:, 1])
    return speed


def half_lengths_s(movers: Movers) -> Floats:
    """(n,) seconds in which half of one's length passes, at the speed now; inf or nan for who
    stands or whose speed is not known."""
    heading, speed = _headings(movers), speeds(movers)
    along = np.abs((movers.velocity * heading).sum(axis=1))
    across = np.abs((movers.velocity * _across(heading)).sum(axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        half: Floats = (along * movers.size[:, 0] + across * movers.size[:, 1]) / (2 * speed**2)
    return half


def _run(steps: Floats) -> tuple[Floats, Floats]:
    return steps[..., 2] - steps[..., 0], steps[..., 3] - steps[..., 1]


def _headings(movers: Movers) -> Floats:
    """Headings; along the first axis for those whose is not known."""
    known = np.isfinite(movers.heading[:, :1])
    return np.where(known, movers.heading, (1.0, 0.0))


def _across(vectors: Floats) -> Floats:
    turned = vectors[..., ::-1].copy()
    turned[..., 0] *= -1
    return turned


def _along(axes: Floats, values: Floats) -> Floats:
    """(2, n, n): what the column has more than the row has, along the row's two axes."""
    mine = (axes * values).sum(axis=2)
    difference: Floats = axes @ values.T - mine[..., None]
    return difference
