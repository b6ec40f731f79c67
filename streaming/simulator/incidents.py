"""Near misses: when somebody misbehaves, who, and how dangerous it is for whom."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from streaming.simulator.movers import Pedestrian, Vehicle
from streaming.simulator.roads import HALF_ROAD_M, STOP_S_M, lamp

if TYPE_CHECKING:
    from streaming.simulator.traffic import Traffic

_PATIENCE_S = 12.0
_HORIZON_S = 2.5


@dataclass(frozen=True, slots=True)
class TrueDanger:
    """Two objects in danger of each other now; severity rises from 0 to 1."""

    object_ids: tuple[int, int]
    kind: str
    severity: float


class Incidents:
    """Lets somebody misbehave at a rate; the traffic asks it who has not seen whom yet."""

    def __init__(self, rng: Random, rate_a_minute: float) -> None:
        self._rng = rng
        self._rate = rate_a_minute
        self._wait_s = self._pause()
        self._kind = "red-light"
        self._surprise: dict[int, float] = {}
        self.count = 0

    def _pause(self) -> float:
        if self._rate <= 0.0:
            return math.inf
        mean = 60.0 / self._rate
        return mean * self._rng.uniform(0.4, 1.4)

    def unseen(
        self, vehicles: list[Vehicle], pedestrians: list[Pedestrian]
    ) -> Iterator[tuple[int, int]]:
        """Which driver does not react to whom yet: (vehicle, vehicle or pedestrian) by number,
        pedestrians after vehicles."""
        hidden = [
            k for k, p in enumerate(pedestrians) if self._surprise.get(p.object_id, 0.0) > 0.0
        ]
        for k, driver in enumerate(vehicles):
            yield from ((k, len(vehicles) + j) for j in hidden)
            if driver.incident == "red-light":
                crossing = driver.path.arm % 2 ^ 1
                yield from ((k, j) for j, o in enumerate(vehicles) if o.path.arm % 2 == crossing)
            elif driver.incident == "rude-turn" and driver.v > 2.0:
                x, y, _ = driver.pose()
                reach = driver.kind.length / 2 + 2.2
                for j, p in enumerate(pedestrians):
                    if p.incident is None and math.hypot(p.x - x, p.y - y) > reach:
                        yield k, len(vehicles) + j

    def step(self, traffic: Traffic, now: float, dt: float) -> None:
        self._surprise = {k: s - dt for k, s in self._surprise.items() if s > dt}
        self._wait_s -= dt
        if self._wait_s > 0.0:
            return
        if self._wait_s + dt > 0.0 or self._wait_s < -_PATIENCE_S:
            self._kind = self._rng.choice(
                ("red-light", "jaywalking", "jaywalking", "tailgating", "rude-turn")
            )
            self._wait_s = min(self._wait_s, 0.0) if self._wait_s > -_PATIENCE_S else -dt
        if self._begin(traffic, now):
            self.count += 1
            self._wait_s = self._pause()

    def _begin(self, traffic: Traffic, now: float) -> bool:
        for vehicle in traffic.vehicles:
            if vehicle.incident is not None or vehicle.class_name in ("bicycle", "bus"):
                continue
            to_stop = STOP_S_M - vehicle.front
            if self._kind == "jaywalking":
                if self._step_out(traffic, vehicle, to_stop):
                    return True
            elif self._kind == "red-light":
                alone = all(
                    o is vehicle
                    or o.path.arm != vehicle.path.arm
                    or o.s < vehicle.s
                    or o.s > STOP_S_M + 8.0
                    for o in traffic.vehicles
                )
                if (
                    alone
                    and 4.0 < to_stop < 22.0
                    and vehicle.v > 5.0
                    and lamp(vehicle.path.arm, now) == "red"
                ):
                    vehicle.incident, vehicle.urge = "red-light", 1.15
                    return True
            elif self._kind == "tailgating":
                if 8.0 < vehicle.s < STOP_S_M - 6.0 and self._has_leader(traffic, vehicle):
                    vehicle.incident, vehicle.urge = "tailgating", 1.5
                    vehicle.headway_s, vehicle.gap_m = 0.12, 0.7
                    return True
            elif vehicle.path.move != "straight" and 2.0 < to_stop < 20.0:
                vehicle.incident, vehicle.urge = "rude-turn", 1.2
                return True
        return False

    def _has_leader(self, traffic: Traffic, me: Vehicle) -> bool:
        return any(
            o.path.arm == me.path.arm and 5.0 < o.s - me.s < 20.0 and o.v > 4.0
            for o in traffic.vehicles
        )

    def _step_out(self, traffic: Traffic, car: Vehicle, to_stop: float) -> bool:
        """Puts somebody onto the road in front of a car, as close as the car can still stop."""
        reach = car.v * self._rng.uniform(1.0, 1.35) + car.v * car.v / 13.0
        if car.v < 5.5 or not 1.0 < car.s < STOP_S_M - 6.0 or to_stop < reach - 1.0:
            return False
        if any(
            o is not car and o.path.arm == car.path.arm and 0 < o.s - car.s < reach + 14.0
            for o in traffic.vehicles
        ):
            return False
        x, y = car.path.at(car.front + reach)
        if max(abs(x), abs(y)) > 24.0:
            return False
        edge = HALF_ROAD_M + 0.2
        fast = self._rng.uniform(1.7, 2.4)
        side = 1.0 if (y if abs(x) > abs(y) else x) > 0 else -1.0  # the car's own kerb
        if abs(x) > abs(y):
            start, end, after = (
                (x, side * edge),
                (x, -side * (edge + 1.2)),
                (x * 1.9, -side * (edge + 1.4)),
            )
        else:
            start, end, after = (
                (side * edge, y),
                (-side * (edge + 1.2), y),
                (-side * (edge + 1.4), y * 1.9),
            )
        person = Pedestrian(
            traffic.new_id(),
            self._rng.randrange(1 << 30),
            start[0],
            start[1],
            fast,
            [end, after],
            [car.path.arm, None],
            incident="jaywalking",
        )
        traffic.pedestrians.append(person)
        self._surprise[person.object_id] = self._rng.uniform(0.25, 0.5)
        return True


def dangers(vehicles: list[Vehicle], pedestrians: list[Pedestrian]) -> tuple[TrueDanger, ...]:
    """Every pair in danger: where somebody misbehaves, or where two come close fast anyway."""
    found = []
    walking = [p for p in pedestrians if p.on_roadway]
    for k, me in enumerate(vehicles):
        others: list[Vehicle | Pedestrian] = [*vehicles[k + 1 :], *walking]
        for other in others:
            danger = _danger(me, other)
            if danger is not None:
                found.append(danger)
    return tuple(found)


def _danger(a: Vehicle, b: Vehicle | Pedestrian) -> TrueDanger | None:
    ax, ay, a_angle = a.pose()
    if isinstance(b, Pedestrian):
        bx, by, (bvx, bvy), b_length, width = b.x, b.y, b.velocity, 0.4, 0.5
    else:
        bx, by, b_angle = b.pose()
        bvx, bvy = b.v * math.cos(b_angle), b.v * math.sin(b_angle)
        b_length, width = b.kind.length, b.kind.width
    dx, dy = bx - ax, by - ay
    distance = math.hypot(dx, dy)
    if distance > 22.0 or distance < 0.1:
        return None
    gap = max(distance - (a.kind.length + b_length) / 2 * 0.85, 0.05)
    rvx, rvy = bvx - a.v * math.cos(a_angle), bvy - a.v * math.sin(a_angle)
    closing = -(dx * rvx + dy * rvy) / distance
    speed = math.hypot(rvx, rvy)
    miss = abs(dx * rvy - dy * rvx) / speed if speed > 0.1 else distance
    tailgating = _tailgating(a, b, gap)
    if tailgating is not None:
        return tailgating
    flagged = (
        "red-light" in (a.incident, b.incident)
        or b.incident == "jaywalking"
        or (a.incident == "rude-turn" and isinstance(b, Pedestrian))
    )
    lateral = (a.kind.width + width) / 2 + (1.8 if flagged else 0.0)
    horizon = _HORIZON_S if flagged else 1.1
    if closing < (1.0 if flagged else 3.5) or miss > lateral or gap / closing > horizon:
        return None
    severity = round(min(1.0, (1.0 - gap / closing / horizon) * 0.6 + min(closing, 10.0) / 25.0), 3)
    red = a.incident == "red-light" or b.incident == "red-light"
    pair = "vehicle-pedestrian" if isinstance(b, Pedestrian) else "vehicle-vehicle"
    return TrueDanger((a.object_id, b.object_id), "red-light" if red else pair, severity)


def _tailgating(a: Vehicle, b: Vehicle | Pedestrian, gap: float) -> TrueDanger | None:
    if isinstance(b, Pedestrian) or a.path.arm != b.path.arm:
        return None
    behind, before = (a, b) if a.s < b.s else (b, a)
    if before.s > STOP_S_M and a.path.move != b.path.move:
        return None  # their ways part
    if behind.incident != "tailgating" or behind.v < 3.0 or gap > behind.v * 0.7:
        return None
    severity = round(min(1.0, 1.0 - gap / (behind.v * 0.7)) * 0.9 + 0.1, 3)
    return TrueDanger((behind.object_id, before.object_id), "tailgating", min(severity, 1.0))
