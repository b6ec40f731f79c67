"""The bodies of cars, trucks and buses, a different one for each look."""

from __future__ import annotations

from functools import lru_cache
from random import Random

from streaming.simulator.meshes import LAMP_FRONT, LAMP_REAR, Body, Builder, Colour, Point
from streaming.simulator.movers import VehicleClass

# fmt: off
PAINTS: tuple[Colour, ...] = (
    (236, 236, 234), (205, 208, 210), (150, 152, 155), (92, 94, 98), (48, 46, 45), (40, 40, 178),
    (34, 52, 140), (150, 74, 30), (190, 120, 52), (96, 60, 28), (60, 104, 52), (64, 150, 205),
    (205, 200, 170), (60, 170, 215), (120, 128, 80), (52, 66, 100),
)
CARGO: tuple[Colour, ...] = (
    (230, 232, 232), (210, 212, 208), (196, 172, 120), (74, 96, 190), (180, 120, 60),
    (96, 140, 96),
)
BUSES: tuple[Colour, ...] = (
    (40, 44, 200), (60, 170, 230), (190, 120, 40), (110, 150, 60), (226, 226, 226),
    (70, 130, 220),
)
# fmt: on


@lru_cache(maxsize=512)
def body(class_name: VehicleClass, look: int) -> Body:
    """The body of a car, truck or bus; look chooses paint and shape."""
    rng = Random(look)
    builder = Builder()
    if class_name == "bus":
        _bus(builder, rng)
    elif class_name == "truck":
        _truck(builder, rng)
    else:
        _car(builder, rng)
    return builder.build()


def _car(b: Builder, rng: Random) -> None:
    paint = rng.choice(PAINTS)
    shape = rng.choice(("saloon", "saloon", "hatch", "suv", "van"))
    lift = {"saloon": 0.0, "hatch": 0.03, "suv": 0.14, "van": 0.16}[shape]
    top = {"saloon": 1.44, "hatch": 1.48, "suv": 1.72, "van": 1.9}[shape]
    belt = 0.92 + lift
    rear = {"saloon": -1.55, "hatch": -2.02, "suv": -2.08, "van": -2.14}[shape]
    nose = 1.05 if shape != "van" else 1.5
    b.extrude(
        [
            (-2.2, 0.3),
            (2.18, 0.3),
            (2.22, 0.58),
            (2.05, belt - 0.16),
            (nose, belt),
            (-2.05, belt),
            (-2.22, belt - 0.2),
        ],
        0.93,
        paint,
    )
    b.wheels((1.38, -1.36), 0.935, 0.34 + lift * 0.2)
    b.lamps(2.235, 0.9, 0.56, 0.72, LAMP_FRONT)
    b.lamps(-2.235, 0.9, 0.62 + lift, 0.84 + lift, LAMP_REAR)
    b.face(
        [(-2.23, 0.27, 0.5), (-2.23, -0.27, 0.5), (-2.23, -0.27, 0.62), (-2.23, 0.27, 0.62)],
        (225, 230, 230),
    )
    steep = 0.55 if shape in ("saloon", "hatch") else 0.22
    b.cabin((rear, nose, 0.86, belt), (rear + steep, nose - 0.72, 0.68, top), paint, 2)
    if rng.random() < 0.25:
        b.face(
            [
                (-0.5, -0.42, top + 0.01),
                (0.05, -0.42, top + 0.01),
                (0.05, 0.42, top + 0.01),
                (-0.5, 0.42, top + 0.01),
            ],
            (46, 40, 36),
        )


def _truck(b: Builder, rng: Random) -> None:
    paint, cargo = rng.choice(PAINTS), rng.choice(CARGO)
    b.extrude([(-3.75, 0.5), (3.75, 0.5), (3.75, 0.85), (-3.75, 0.85)], 1.05, (58, 58, 60))
    b.wheels((2.75, -1.5, -2.5), 1.16, 0.48)
    b.extrude([(1.95, 0.55), (3.78, 0.55), (3.8, 1.35), (3.72, 1.45), (1.95, 1.45)], 1.15, paint)
    b.lamps(3.82, 1.1, 0.7, 0.92, LAMP_FRONT)
    b.cabin((1.95, 3.72, 1.15, 1.45), (1.98, 3.45, 1.08, 2.45), paint, 1)
    kind = rng.random()
    if kind < 0.7:
        high = rng.uniform(2.9, 3.3)
        b.extrude([(-3.8, 0.9), (1.8, 0.9), (1.8, high), (-3.8, high)], 1.2, cargo)
        stripe = rng.choice(CARGO)
        for side in (1.0, -1.0):
            quad: list[Point] = [
                (-3.0, side * 1.205, 1.5),
                (1.0, side * 1.205, 1.5),
                (1.0, side * 1.205, 2.1),
                (-3.0, side * 1.205, 2.1),
            ]
            b.face(quad if side < 0 else quad[::-1], stripe)
        b.face(
            [(-3.81, 0.02, 1.0), (-3.81, -0.02, 1.0), (-3.81, -0.02, high), (-3.81, 0.02, high)],
            (70, 70, 70),
        )
    else:
        b.extrude([(-3.8, 0.9), (1.7, 0.9), (1.7, 1.75), (-3.8, 1.75)], 1.2, rng.choice(CARGO))
        load = (90, 130, 160) if kind < 0.85 else (96, 104, 110)
        b.face(
            [(-3.65, -1.05, 1.76), (1.55, -1.05, 1.76), (1.55, 1.05, 1.76), (-3.65, 1.05, 1.76)],
            load,
        )
    b.lamps(-3.83, 1.1, 0.62, 0.84, LAMP_REAR)


def _bus(b: Builder, rng: Random) -> None:
    paint = rng.choice(BUSES)
    roof = tuple(min(255, c + 40) for c in paint) if rng.random() < 0.5 else (225, 228, 228)
    b.extrude([(-5.3, 0.35), (5.25, 0.35), (5.3, 1.25), (-5.3, 1.25)], 1.25, paint)
    b.wheels((3.2, -2.9), 1.255, 0.5)
    b.lamps(5.32, 1.15, 0.6, 0.85, LAMP_FRONT)
    b.lamps(-5.32, 1.2, 0.8, 1.15, LAMP_REAR)
    b.cabin((-5.3, 5.3, 1.25, 1.25), (-5.28, 5.18, 1.22, 2.55), paint, 7)
    b.extrude(
        [(-5.28, 2.55), (5.18, 2.55), (5.1, 3.0), (-5.2, 3.0)],
        1.22,
        (int(roof[0]), int(roof[1]), int(roof[2])),
    )
    for x in (-3.4, 0.6):
        b.extrude(
            [(x - 0.8, 3.0), (x + 0.8, 3.0), (x + 0.7, 3.2), (x - 0.7, 3.2)], 0.6, (180, 182, 182)
        )
    b.face(
        [(5.31, -0.8, 2.65), (5.31, 0.8, 2.65), (5.31, 0.8, 2.9), (5.31, -0.8, 2.9)], (30, 130, 240)
    )
