"""The motion of the whole crossroads, in steps of a tenth of a second."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import numpy.typing as npt

from streaming.simulator.incidents import Incidents
from streaming.simulator.movers import (
    KINDS,
    TURN_SPEED_M_S,
    Pedestrian,
    Vehicle,
    VehicleClass,
    follow,
    stroll,
)
from streaming.simulator.roads import REACH_M, STOP_S_M, Floats, Move, lamp, path

STEP_S = 0.1
_PATIENCE_S = 6.0
_LOOK_M = np.arange(0.4, 20.0, 0.8)
MIXES: dict[str, dict[VehicleClass, float]] = {
    "city": {"car": 0.6, "truck": 0.1, "bus": 0.08, "motorcycle": 0.1, "bicycle": 0.12},
    "balanced": {"car": 0.28, "truck": 0.17, "bus": 0.15, "motorcycle": 0.2, "bicycle": 0.2},
}
_MOVES: tuple[Move, ...] = ("straight", "straight", "straight", "right", "left")


class Traffic:
    """The vehicles and pedestrians at one time; `step` is the only thing that moves them."""

    def __init__(
        self, seed: int, vehicles: int, pedestrians: int, near_misses_a_minute: float, mix: str
    ) -> None:
        self._rng = Random(seed)
        self._wanted = (vehicles, pedestrians)
        self._mix = MIXES[mix]
        self._next_id = 1
        self.steps = 0
        self.time_offset_s = self._rng.uniform(0.0, 31.0)
        self.vehicles: list[Vehicle] = []
        self.pedestrians: list[Pedestrian] = []
        self.incidents = Incidents(Random(seed + 1), near_misses_a_minute)
        for k in range(vehicles):
            self._spawn_vehicle(at_start=True, arm=k % 4)
        for _ in range(pedestrians):
            self._spawn_pedestrian(warm=True)
        for _ in range(120):  # 12 s, so that the scene has no beginning
            self.step()
        self.steps = 0
        self.time_offset_s += 12.0

    @property
    def time_s(self) -> float:
        return self.steps * STEP_S

    @property
    def signal_s(self) -> float:
        return self.time_s + self.time_offset_s

    def step(self) -> None:
        now = self.signal_s
        self.incidents.step(self, now, STEP_S)
        for vehicle, acceleration in zip(self.vehicles, self._accelerations(now), strict=True):
            vehicle.accelerate(acceleration, STEP_S)
        self._unlock()
        for pedestrian in self.pedestrians:
            pedestrian.step(now, STEP_S)
        self.vehicles = [v for v in self.vehicles if v.s < v.path.length_m + v.kind.length / 2]
        self.pedestrians = [p for p in self.pedestrians if p.stops]
        self.steps += 1
        if len(self.vehicles) < self._wanted[0]:
            self._spawn_vehicle()
        if len(self.pedestrians) < self._wanted[1]:
            self._spawn_pedestrian()

    def _unlock(self) -> None:
        """Of those who wait for each other in the middle, the first to come squeezes through."""
        stuck = [v for v in self.vehicles if v.waited_s > _PATIENCE_S and v.front > STOP_S_M + 1.0]
        if len(stuck) > 1 or any(v.waited_s > 2 * _PATIENCE_S for v in stuck):
            min(stuck, key=lambda v: v.object_id).push_s = 3.0

    def new_id(self) -> int:
        self._next_id += 1
        return self._next_id - 1

    def _spawn_vehicle(self, at_start: bool = False, arm: int | None = None) -> None:
        rng = self._rng
        arm = rng.randrange(4) if arm is None else arm
        name = rng.choices(list(self._mix), list(self._mix.values()))[0]
        move, urge, look = rng.choice(_MOVES), rng.uniform(0.85, 1.15), rng.randrange(1 << 30)
        kind = KINDS[name]
        start = rng.uniform(0.0, STOP_S_M - 4.0) if at_start else -kind.length / 2
        for other in self.vehicles:
            reach = (kind.length + other.kind.length) / 2 + 3.0
            if other.path.arm == arm and abs(other.s - start) < reach:
                return
        self.vehicles.append(
            Vehicle(
                self.new_id(),
                name,
                kind,
                path(arm, move, kind.offset),
                look,
                start,
                kind.speed * urge * 0.7,
                urge,
            )
        )

    def _spawn_pedestrian(self, warm: bool = False) -> None:
        walker = stroll(self.new_id(), self._rng)
        if warm:
            (tx, ty), part = walker.stops[0], self._rng.random()
            walker.x += (tx - walker.x) * part
            walker.y += (ty - walker.y) * part
        self.pedestrians.append(walker)

    def _accelerations(self, now: float) -> list[float]:
        """What every driver does: keep to the signal, and behind whatever lies on the way."""
        if not self.vehicles:
            return []
        bodies, radii, speeds, owners = self._bodies()
        views = np.stack([v.path.ahead(v.front + _LOOK_M) for v in self.vehicles])
        widths = np.array([v.kind.width / 2 + 0.3 for v in self.vehicles])
        squared = (views[:, :, None, 0] - bodies[:, 0]) ** 2 + (
            views[:, :, None, 1] - bodies[:, 1]
        ) ** 2
        near = np.less(squared, ((widths[:, None] + radii) ** 2)[:, None, :])
        count = len(self.vehicles)
        near &= (owners != np.arange(count)[:, None])[:, None, :]
        for k, vehicle in enumerate(self.vehicles):
            if vehicle.push_s > 0.0:
                near[k, :, owners < count] = False
        for k, j in self.incidents.unseen(self.vehicles, self.pedestrians):
            near[k, :, owners == j] = False
        hits: npt.NDArray[np.bool_] = np.any(near, axis=2)
        result = []
        for k, vehicle in enumerate(self.vehicles):
            limit = vehicle.kind.speed * vehicle.urge
            if vehicle.path.slow_from_m - 6.0 < vehicle.s < vehicle.path.slow_to_m:
                limit = min(
                    limit, TURN_SPEED_M_S + 0.6 * max(0.0, vehicle.path.slow_from_m - vehicle.s)
                )
            gap, leader = 99.0, 0.0
            if hits[k].any():
                first = int(hits[k].argmax())
                gap = float(_LOOK_M[first]) - 0.4
                leader = min(float(speeds[k, j]) for j in np.flatnonzero(near[k, first]))
            acceleration = follow(vehicle, limit, gap, leader)
            for line in self._lines_to_stop_at(vehicle, now):
                acceleration = min(acceleration, follow(vehicle, limit, line + 1.2, 0.0))
            result.append(acceleration)
        return result

    def _bodies(self) -> tuple[Floats, Floats, Floats, npt.NDArray[np.intp]]:
        """Circles that cover everybody, (m, 2) and their radii, each one's speed along every
        vehicle's heading (n, m), and whose each circle is: vehicles by number, then pedestrians."""
        points: list[tuple[float, float]] = []
        radii: list[float] = []
        moves: list[tuple[float, float]] = []
        owners: list[int] = []
        headings = []
        for k, v in enumerate(self.vehicles):
            x, y, angle = v.pose()
            c, s = math.cos(angle), math.sin(angle)
            headings.append((c, s))
            half = v.kind.length / 2 - v.kind.width / 2
            steps = (-1.0, -0.33, 0.33, 1.0) if half > 2.0 else (-1.0, 0.0, 1.0)
            along = [step * half for step in steps]
            if v.incident == "red-light":
                along += [half + v.v * 0.5, half + v.v * 1.0]
            for a in along:
                points.append((x + c * a, y + s * a))
                radii.append(v.kind.width / 2)
                moves.append((c * v.v, s * v.v))
                owners.append(k)
        for k, p in enumerate(self.pedestrians, start=len(self.vehicles)):
            if p.on_roadway:
                vx, vy = p.velocity
                for ahead in (0.0, 0.7, 1.4):
                    points.append((p.x + vx * ahead, p.y + vy * ahead))
                    radii.append(0.45)
                    moves.append((0.0, 0.0))
                    owners.append(k)
        along_me = np.maximum(np.array(headings) @ np.array(moves).T, 0.0)
        return np.array(points), np.array(radii), along_me, np.array(owners)

    def _lines_to_stop_at(self, me: Vehicle, now: float) -> list[float]:
        """Distances in m to the lines where this driver has to wait now."""
        lines = []
        to_stop = STOP_S_M - me.front
        shows = lamp(me.path.arm, now)
        if (
            to_stop > -1.0
            and me.incident != "red-light"
            and (shows == "red" or (shows == "amber" and to_stop > me.v * me.v / 7.0))
        ):
            lines.append(max(to_stop, 0.05))
        to_hold = me.path.hold_m - me.front
        if -1.0 < to_hold < 12.0 and me.incident != "red-light" and self._oncoming(me, now):
            lines.append(max(to_hold, 0.05))
        return lines

    def _oncoming(self, me: Vehicle, now: float) -> bool:
        """Whether somebody from the other side would be in the way of a left turn."""
        other_arm = (me.path.arm + 2) % 4
        moving = lamp(other_arm, now) != "red"
        for other in self.vehicles:
            if other.path.arm != other_arm or other.path.move == "left":
                continue
            left = REACH_M + 2.0 + other.kind.length / 2 - other.s
            pace = max(other.v, 3.0 if moving or other.front > STOP_S_M + 1.0 else 0.0)
            if left > -0.5 and pace > 0.5 and (left - other.kind.length) / pace < 4.0:
                return True
        return False
