"""What a `synthetic://junction?…` source may say, and what is wrong with it where it is wrong."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass, fields
from urllib.parse import parse_qsl, urlsplit

from streaming.simulator.ground import LOOKS
from streaming.simulator.traffic import MIXES


@dataclass(frozen=True, slots=True)
class JunctionSpec:
    """The parameters of `synthetic://junction?…`; `near_misses` is a rate a minute.

    yaw, elevation (degrees) and zoom place the camera; style chooses the materials; sun is its
    height (degrees); left out, yaw, style and sun follow from the seed.
    """

    seed: int = 1
    vehicles: int = 8
    pedestrians: int = 4
    width: int = 640
    height: int = 360
    near_misses: float = 1.0
    night: int = 0
    rain: int = 0
    style: int = -1
    mix: str = "city"
    yaw: float = math.nan
    elevation: float = 33.0
    zoom: float = 1.0
    sun: float = math.nan

    @staticmethod
    def parse(source: str) -> JunctionSpec:
        """Reads a source name; ValueError says which parameter is wrong, and what it may be."""
        url = urlsplit(source)
        if url.scheme != "synthetic" or url.netloc != "junction":
            raise ValueError(f"{source!r} is no synthetic://junction source")
        known = {f.name: _PARSERS[str(f.type)] for f in fields(JunctionSpec)}
        values: dict[str, int | float | str] = {}
        for name, text in parse_qsl(url.query, keep_blank_values=True):
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
                raise ValueError(f"{source}: unknown parameter {name!r}; did you mean {near[0]!r}?")
            try:
                values[name] = known[name](text)
            except ValueError:
                wanted = "a whole number" if known[name] is int else "a number"
                raise ValueError(f"{source}: {name} must be {wanted}, got {text!r}") from None
            _check(source, name, values[name])
        return JunctionSpec(**values)  # type: ignore[arg-type]  # the types were read off the fields


_PARSERS: dict[str, type[int] | type[float] | type[str]] = {"int": int, "float": float, "str": str}
_BOUNDS: dict[str, tuple[float, float]] = {
    "vehicles": (0, 40),
    "pedestrians": (0, 40),
    "width": (160, 1920),
    "height": (120, 1080),
    "near_misses": (0.0, 30.0),
    "night": (0, 1),
    "rain": (0, 1),
    "style": (-1, len(LOOKS) - 1),
    "yaw": (-360.0, 360.0),
    "elevation": (25.0, 85.0),
    "zoom": (0.5, 4.0),
    "sun": (5.0, 85.0),
    "seed": (0, 2**31),
}


def _check(source: str, name: str, value: float | str) -> None:
    if isinstance(value, str):
        if value not in MIXES:
            raise ValueError(f"{source}: {name} must be one of {', '.join(MIXES)}, got {value!r}")
        return
    low, high = _BOUNDS[name]
    if not low <= value <= high:
        raise ValueError(f"{source}: {name} must be {low} to {high}, got {value}")
