"""Who moves in the crossroads, and how each one moves in one step: values in, values out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from streaming.simulator.roads import HALF_ROAD_M, REACH_M, Path, walk

VehicleClass = Literal["car", "truck", "bus", "motorcycle", "bicycle"]
Incident = Literal["red-light", "tailgating", "rude-turn", "jaywalking"]


@dataclass(frozen=True, slots=True)
class Kind:
    """Length, width, height in m; free speed in m/s; acceleration in m/s2; m right of the lane."""

    length: float
    width: float
    height: float
    speed: float
    acceleration: float
    offset: float = 0.0


KINDS: dict[VehicleClass, Kind] = {
    "car": Kind(4.4, 1.86, 1.5, 9.5, 2.0),
    "truck": Kind(7.6, 2.4, 3.2, 8.0, 1.2),
    "bus": Kind(10.6, 2.5, 3.1, 8.0, 1.1),
    "motorcycle": Kind(2.2, 0.8, 1.65, 10.0, 2.6),
    "bicycle": Kind(1.85, 0.6, 1.75, 4.6, 1.2, 0.9),
}

TURN_SPEED_M_S = 4.2
COMFORT_BRAKE_M_S2 = 2.6
HARD_BRAKE_M_S2 = 7.5


@dataclass(slots=True)
class Vehicle:
    object_id: int
    class_name: VehicleClass
    kind: Kind
    path: Path
    look: int
    """Seed of the paint and the body's shape."""
    s: float = 0.0
    v: float = 0.0
    urge: float = 1.0
    """Factor on the free speed."""
    headway_s: float = 1.1
    gap_m: float = 1.9
    incident: Incident | None = None
    waited_s: float = 0.0
    push_s: float = 0.0
    """For how long still to ignore other vehicles, so that nobody waits for ever."""
    braking: bool = False

    @property
    def front(self) -> float:
        return self.s + self.kind.length / 2

    def pose(self, ahead_s: float = 0.0) -> tuple[float, float, float]:
        """x, y in m and the heading in rad, from where the two axles stand on the path."""
        s, half = self.s + self.v * ahead_s, self.kind.length * 0.3
        (bx, by), (fx, fy) = self.path.at(s - half), self.path.at(s + half)
        return (bx + fx) / 2, (by + fy) / 2, math.atan2(fy - by, fx - bx)

    def accelerate(self, acceleration: float, dt: float) -> None:
        speed = max(0.0, self.v + acceleration * dt)
        self.s += (self.v + speed) / 2 * dt
        self.v = speed
        self.braking = acceleration < -0.6 or speed < 0.3
        self.push_s = max(0.0, self.push_s - dt)
        self.waited_s = self.waited_s + dt if speed < 0.2 else 0.0


def follow(me: Vehicle, free_speed: float, gap_m: float, leader_speed: float) -> float:
    """Acceleration in m/s2 by the intelligent driver model (Treiber 2000)."""
    a, b = me.kind.acceleration, COMFORT_BRAKE_M_S2
    free = 1.0 - (me.v / max(free_speed, 0.1)) ** 4
    wish = me.gap_m + max(
        0.0, me.v * me.headway_s + me.v * (me.v - leader_speed) / (2 * math.sqrt(a * b))
    )
    return max(-HARD_BRAKE_M_S2, a * (free - (wish / max(gap_m, 0.3)) ** 2))


@dataclass(slots=True)
class Pedestrian:
    object_id: int
    look: int
    x: float
    y: float
    pace: float
    stops: list[tuple[float, float]] = field(default_factory=list)
    """The points still to walk to."""
    crossings: list[int | None] = field(default_factory=list)
    """For each stop, the arm whose road is crossed on the way there, if any."""
    heading: float = 0.0
    v: float = 0.0
    stride: float = 0.0
    incident: Incident | None = None
    begun: bool = False

    @property
    def on_roadway(self) -> bool:
        """On the carriageway, not on a pavement or at a kerb."""
        return self.begun and min(abs(self.x), abs(self.y)) < HALF_ROAD_M + 0.15

    @property
    def velocity(self) -> tuple[float, float]:
        return self.v * math.cos(self.heading), self.v * math.sin(self.heading)

    def step(self, time_s: float, dt: float) -> None:
        if not self.stops:
            return
        (tx, ty), arm = self.stops[0], self.crossings[0]
        dx, dy = tx - self.x, ty - self.y
        left = math.hypot(dx, dy)
        self.heading = math.atan2(dy, dx) if left > 0.05 else self.heading
        free = arm is None or self.begun or self.incident is not None or walk(arm, time_s)
        self.v = self.pace if free else 0.0
        self.begun = arm is not None and free
        moved = min(self.v * dt, left)
        self.x += moved * math.cos(self.heading)
        self.y += moved * math.sin(self.heading)
        self.stride += moved
        if left - moved < 0.05:
            self.stops.pop(0)
            self.crossings.pop(0)
            self.begun = False


def stroll(object_id: int, rng: Random) -> Pedestrian:
    """Somebody who comes along a pavement, crosses one or two roads and leaves along another."""
    sx, sy = rng.choice((-1, 1)), rng.choice((-1, 1))
    side, aside = rng.uniform(4.5, 5.7), rng.uniform(6.1, 8.1)
    away = rng.uniform(19.0, REACH_M - 12.0)
    along_x = rng.random() < 0.5
    start = (sx * away, sy * side) if along_x else (sx * side, sy * away)
    stops: list[tuple[float, float]] = []
    crossings: list[int | None] = []
    over_x = rng.random() < 0.5
    for _ in range(rng.choice((1, 1, 2))):
        # over_x crosses an east or west arm (walking north or south), else a north or south one.
        edge = HALF_ROAD_M + 0.7
        here = (sx * aside, sy * edge) if over_x else (sx * edge, sy * aside)
        arm = (0 if sx > 0 else 2) if over_x else (1 if sy > 0 else 3)
        sx, sy = (sx, -sy) if over_x else (-sx, sy)
        there = (sx * aside, sy * edge) if over_x else (sx * edge, sy * aside)
        stops += [here, there]
        crossings += [None, arm]
        over_x = not over_x
    leave = rng.uniform(22.0, 30.0)
    stops.append((sx * leave, sy * side) if rng.random() < 0.5 else (sx * side, sy * leave))
    crossings.append(None)
    return Pedestrian(
        object_id,
        rng.randrange(1 << 30),
        start[0],
        start[1],
        rng.uniform(1.05, 1.65),
        stops,
        crossings,
        stride=rng.random(),
    )
