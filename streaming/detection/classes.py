"""The classes that Trafficmon knows, and what other models call them. Pure."""

from collections.abc import Mapping
from typing import Final

CLASS_IDS: Final[Mapping[str, int]] = {
    "person": 0,
    "bicycle": 1,
    "car": 2,
    "motorcycle": 3,
    "bus": 5,
    "truck": 7,
    "traffic light": 9,
    "stop sign": 11,
}
"""`classId` on the wire is COCO's number, whatever the model counts by itself."""

PEDESTRIANS: Final = frozenset({"person"})
CYCLES: Final = frozenset({"bicycle"})
MOTOR_VEHICLES: Final = frozenset({"car", "motorcycle", "bus", "truck"})
ROAD_USERS: Final = PEDESTRIANS | CYCLES | MOTOR_VEHICLES
"""What can be in danger or cause it: traffic lights and stop signs join no group."""

_ALIASES: Final[Mapping[str, str]] = {
    "pedestrian": "person",
    "people": "person",
    "bike": "bicycle",
    "cyclist": "bicycle",
    "motorbike": "motorcycle",
    "motor": "motorcycle",
    "van": "car",
    "lorry": "truck",
    "trafficlight": "traffic light",
    "stopsign": "stop sign",
}


def known_class(name: str) -> str | None:
    """Our name for a model's class, or None for what is not watched."""
    plain = name.strip().lower().replace("_", " ").replace("-", " ")
    plain = _ALIASES.get(plain.replace(" ", ""), _ALIASES.get(plain, plain))
    return plain if plain in CLASS_IDS else None


def class_mapping(names: Mapping[int, str], wanted: frozenset[str]) -> dict[int, str]:
    """A model's class numbers to our names, for the wanted classes alone."""
    ours = {index: known_class(name) for index, name in names.items()}
    return {index: name for index, name in ours.items() if name is not None and name in wanted}
