"""The picture that stays: asphalt, markings, pavements and what lies between the roads."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from streaming.simulator.meshes import Colour
from streaming.simulator.painting import Image, Light
from streaming.simulator.roads import (
    CORNER_RADIUS_M,
    HALF_ROAD_M,
    PAVEMENT_M,
    STOP_LINE_M,
    ZEBRA_M,
    Floats,
)
from streaming.simulator.view import View

_SCALE = 2
_BAND = 8
_TILE = 512
_TILE_M = 26.0


@dataclass(frozen=True, slots=True)
class Look:
    """What a place is made of; colours are BGR."""

    asphalt: Colour
    pavement: Colour
    verge: Colour
    second_verge: Colour
    walls: tuple[Colour, ...]
    worn: float


LOOKS: tuple[Look, ...] = (
    Look(
        (98, 96, 95),
        (168, 174, 178),
        (72, 122, 92),
        (150, 158, 162),
        ((150, 172, 196), (120, 140, 190), (190, 196, 200)),
        0.5,
    ),
    Look(
        (84, 82, 82),
        (150, 158, 168),
        (66, 112, 84),
        (66, 112, 84),
        ((110, 120, 168), (168, 186, 206), (140, 150, 160)),
        0.8,
    ),
    Look(
        (112, 110, 108),
        (186, 188, 188),
        (160, 166, 172),
        (80, 130, 104),
        ((206, 210, 210), (176, 164, 150), (150, 160, 190)),
        0.3,
    ),
    Look(
        (92, 94, 98),
        (140, 160, 186),
        (78, 124, 110),
        (132, 150, 172),
        ((150, 186, 214), (104, 126, 176), (178, 190, 204)),
        0.65,
    ),
)


@dataclass(frozen=True, slots=True)
class Ground:
    """The background and where its roads and pavements lie in the picture."""

    image: Image
    paved: npt.NDArray[np.bool_]


def _noise(
    rng: np.random.Generator, octaves: tuple[int, ...], weights: tuple[float, ...]
) -> Floats:
    """A tile (512, 512) of soft noise about 0 with unit spread at most, that repeats."""
    total = np.zeros((_TILE, _TILE))
    for size, weight in zip(octaves, weights, strict=True):
        grid = rng.standard_normal((size, size)).astype(np.float32)
        wrapped = np.pad(grid, 2, mode="wrap")
        step = _TILE // size
        large = cv2.resize(wrapped, None, fx=step, fy=step, interpolation=cv2.INTER_CUBIC)
        total += weight * large[2 * step : 2 * step + _TILE, 2 * step : 2 * step + _TILE]
    return total


def _sampled(tile: Floats, x: Floats, y: Floats) -> Floats:
    k = _TILE / _TILE_M
    sampled: Floats = cv2.remap(
        tile.astype(np.float32),
        (x * k % _TILE).astype(np.float32),
        (y * k % _TILE).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_WRAP,
    ).astype(np.float64)
    return sampled


def _edge(distance: Floats, pixels_a_metre: Floats) -> Floats:
    """Coverage 0..1 of a shape from the signed distance in m outside it."""
    return np.clip(0.5 - distance * pixels_a_metre * 0.5, 0.0, 1.0)


def _blend(image: Floats, colour: Colour | Floats, amount: Floats) -> None:
    colour = np.broadcast_to(np.asarray(colour, dtype=np.float64), image.shape)
    # By bands that fit the processor's cache: the whole at once takes 22 MB, three times.
    for begin in range(0, len(image), _BAND):
        band = slice(begin, begin + _BAND)
        image[band] += (colour[band] - image[band]) * amount[band, :, None]


def _mark(image: Floats, colour: Colour, amount: Floats) -> None:
    """As `_blend`, for a shape that covers little: only its pixels are touched."""
    touched = amount > 0
    under = image[touched]
    image[touched] = under + (np.asarray(colour) - under) * amount[touched][:, None]


def _road_distance(ax: Floats, ay: Floats, half: float, radius: float) -> Floats:
    """Signed distance in m outside the crossroads' outline with rounded corners; |x|, |y| in."""
    centre = half + radius
    corner = radius - np.hypot(np.maximum(centre - ax, 0.0), np.maximum(centre - ay, 0.0))
    straight = np.minimum(ax, ay) - half
    inside = (ax < centre) & (ay < centre)
    return np.where(inside, np.maximum(corner, np.minimum(straight, 0.0)), straight)


@dataclass(frozen=True, slots=True)
class _Plane:
    """Per pixel: the ground's x, y in m, pixels a metre, two noises, m outside the roads."""

    x: Floats
    y: Floats
    density: Floats
    fine: Floats
    broad: Floats
    road: Floats


def paint_ground(view: View, look: Look, light: Light, rng: np.random.Generator) -> Ground:
    """The ground without anything that stands on it."""
    x, y, density = view.ground(_SCALE)
    fine = _sampled(_noise(rng, (256, 128, 64), (0.5, 0.3, 0.2)), x, y)
    broad = _sampled(_noise(rng, (8, 16, 4), (0.5, 0.3, 0.4)), x * 0.43, y * 0.43)
    road = _road_distance(np.abs(x), np.abs(y), HALF_ROAD_M, CORNER_RADIUS_M)
    plane = _Plane(x, y, density, fine, broad, road)
    image = np.empty((*x.shape, 3))
    image[:] = look.verge
    _blend(image, look.second_verge, ((x > 0) ^ (y > 0)).astype(np.float64))
    image *= (1.0 + 0.055 * fine * _fade(density) + 0.06 * broad)[..., None]
    _pavement(image, look, plane)
    _asphalt(image, look, plane)
    _markings(image, look, plane)
    image *= light.brightness
    if light.night:
        image *= _lamp_pools(x, y)[..., None] * (1.05, 0.98, 0.92)
    small = cv2.resize(
        np.clip(image, 0, 255), (view.width, view.height), interpolation=cv2.INTER_AREA
    )
    paved = cv2.resize(road, (view.width, view.height)) < PAVEMENT_M
    return Ground(np.rint(small).astype(np.uint8), paved)


def _fade(density: Floats) -> Floats:
    """Grain is less to be seen where it is far away."""
    return np.clip(density / (_SCALE * 18.0), 0.3, 1.0)


def _lamp_pools(x: Floats, y: Floats) -> Floats:
    pools = np.full(x.shape, 0.75)
    for px, py in ((7, 7), (-7, -7), (-7, 7), (7, -7), (22, 5), (-22, -5), (5, -22), (-5, 22)):
        pools += 1.5 * np.exp(-((x - px) ** 2 + (y - py) ** 2) / 45.0)
    return pools


def _pavement(image: Floats, look: Look, plane: _Plane) -> None:
    x, y, density, road = plane.x, plane.y, plane.density, plane.road
    slabs = np.minimum(np.abs((x + 0.5) % 1.0 - 0.5), np.abs((y + 0.5) % 1.0 - 0.5))
    stone = np.asarray(look.pavement) * (1.0 + 0.035 * plane.fine)[..., None]
    stone *= (1.0 - 0.12 * np.clip(1.2 - slabs * density * 0.7, 0.0, 1.0))[..., None]
    _blend(image, stone, _edge(road - PAVEMENT_M, density))
    _blend(image, (178, 182, 184), _edge(road - 0.22, density))
    _blend(image, (70, 72, 74), _edge(road - 0.06, density))


def _asphalt(image: Floats, look: Look, plane: _Plane) -> None:
    ax, ay, road = np.abs(plane.x), np.abs(plane.y), plane.road
    fine = plane.fine * _fade(plane.density)
    tracks = np.zeros_like(ax)
    for across, along in ((ax, ay), (ay, ax)):
        for lane in (1.05, 2.55):
            tracks += np.exp(-(((across - lane) / 0.28) ** 2)) * np.clip((along - 3.0) / 4.0, 0, 1)
        tracks += (
            0.8
            * np.exp(-(((across - 1.8) / 0.3) ** 2))
            * np.exp(-(((along - STOP_LINE_M - 3.0) / 4.0) ** 2))
        )
    tone = 1.0 + 0.05 * fine + 0.055 * plane.broad - 0.06 * look.worn * tracks
    tone -= 0.07 * np.clip(1.0 + road / 0.5, 0.0, 1.0) * (road < 0)
    _blend(image, np.asarray(look.asphalt) * tone[..., None], _edge(road, plane.density))


def _markings(image: Floats, look: Look, plane: _Plane) -> None:
    x, y, noise = plane.x, plane.y, plane.broad + plane.fine
    wear = np.clip(1.0 - 0.32 * look.worn * np.maximum(noise + 0.25, 0.0), 0.45, 1.0)
    for across, along in ((x, y), (y, x)):
        far = np.abs(along)
        side = np.where(along > 0, -across, across) * (1.0 if across is x else -1.0)
        zebra = np.maximum(
            np.abs(far - sum(ZEBRA_M) / 2) - (ZEBRA_M[1] - ZEBRA_M[0]) / 2,
            np.abs((across + 0.45) % 0.9 - 0.45) - 0.24,
        )
        zebra = np.maximum(zebra, np.abs(across) - HALF_ROAD_M + 0.3)
        stop = np.maximum(
            np.abs(far - STOP_LINE_M - 0.2) - 0.22,
            np.abs(side - HALF_ROAD_M / 2) - HALF_ROAD_M / 2 + 0.2,
        )
        solid_line = np.maximum(np.abs(across) - 0.07, np.abs(far - 14.0) - 4.4)
        dashes = np.maximum(np.abs(across) - 0.07, np.abs((far + 1.0) % 5.0 - 2.5) - 1.4)
        dashes = np.maximum(dashes, 19.5 - far)
        edges = np.maximum(np.abs(np.abs(across) - HALF_ROAD_M + 0.28) - 0.05, 11.0 - far)
        for shape, strength in (
            (zebra, 0.9),
            (stop, 0.9),
            (solid_line, 0.85),
            (dashes, 0.85),
            (edges, 0.5),
        ):
            _mark(image, (226, 230, 230), _edge(shape, plane.density) * wear * strength)
