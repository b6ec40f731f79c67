"""How the simulated model judges: by the prompt's geometry, the same prompt the same way. Pure.

What counts is how far a pedestrian's feet are from where a vehicle stands on the ground (the
lower half of its box), in heights of the pedestrian: the boxes themselves overlap in every
fifth pair just by perspective. Of 663 groups of four synthetic cameras 1.7 % come out high,
7 % medium and 21 % low. A vehicle whose speed is known and small endangers nobody.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from zlib import crc32

_WALKERS = {"person"}
_VEHICLES = {"car", "truck", "bus", "motorcycle"}
_FENCED = re.compile(r"```json\s*(\{.*?\})\s*```", re.DOTALL)
_DECODER = json.JSONDecoder()

_VERY_NEAR = 0.25
_NEAR = 0.8
_MOVING_SIZES_PER_S = 0.2
_URGENT_S = 1.5
_CALM_S = 3.0
_CLOSE_FOLLOWING_S = 0.8
_DENSE_USERS = 5


@dataclass(frozen=True, slots=True)
class _User:
    id: int
    class_name: str
    box: tuple[float, float, float, float]
    speed: float | None

    @property
    def size_px(self) -> float:
        x1, y1, x2, y2 = self.box
        return max(1.0, x2 - x1, y2 - y1)

    @property
    def moves(self) -> bool | None:
        """None where the detector could not tell."""
        return None if self.speed is None else self.speed > _MOVING_SIZES_PER_S * self.size_px


@dataclass(frozen=True, slots=True)
class Judgement:
    """The level and what it rests on; `words` is a key of the texts."""

    level: str
    words: str
    ids: tuple[int, ...]


def scene_in(text: str) -> Mapping[str, Any] | None:
    """The object list in a prompt: fenced, or the first JSON object that has `objects`."""
    fenced = _FENCED.search(text)
    starts = [fenced.start(1)] if fenced else [m.start() for m in re.finditer(r"\{", text)][:50]
    for start in starts:
        try:
            value, _ = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) and isinstance(value.get("objects"), list):
            return value
    return None


@lru_cache(maxsize=512)  # a load test asks the same few questions over and over
def answer(text: str) -> str:
    """The verdict on a prompt, as JSON text; a prompt without objects gets a plain answer."""
    scene = scene_in(text)
    if scene is None:
        return "OK"
    users = _users(scene["objects"])
    judged = judge(users, _number(scene.get("timeToCollisionS")))
    risk_types, description = _TEXTS[_language(scene, text)][judged.words]
    confidence = _CONFIDENCE[judged.level] + crc32(text.encode()) % 8 / 100
    return json.dumps(
        {
            "riskLevel": judged.level,
            "confidence": round(confidence, 2),
            "riskTypes": list(risk_types),
            "description": description,
            "dangerObjectCount": len(judged.ids),
            "triggerObjectIds": list(judged.ids),
        },
        ensure_ascii=False,
    )


def judge(users: Sequence[_User], time_to_collision_s: float | None) -> Judgement:
    """The risk of a group of road users; the time in seconds, None where it cannot be told."""
    left_s = math.inf if time_to_collision_s is None else time_to_collision_s
    vehicles = [u for u in users if u.class_name in _VEHICLES]
    meeting = _nearest(
        [u for u in users if u.class_name in _WALKERS],
        [v for v in vehicles if v.moves is not False],
    )
    if meeting is not None and meeting.gap < _NEAR:
        ids = (meeting.walker.id, meeting.vehicle.id)
        calm = meeting.vehicle.moves is True and left_s > _CALM_S
        if left_s <= _URGENT_S or (meeting.gap < _VERY_NEAR and not calm):
            return Judgement("high", "conflict", ids)
        return Judgement("medium", "near", ids)
    moving = [v for v in vehicles if v.moves]
    if left_s <= _CLOSE_FOLLOWING_S and len(moving) >= 2:
        return Judgement("medium", "following", tuple(v.id for v in moving[:2]))
    if len(users) >= _DENSE_USERS:
        return Judgement("low", "dense", ())
    return Judgement("none", "normal", ())


@dataclass(frozen=True, slots=True)
class _Meeting:
    gap: float
    walker: _User
    vehicle: _User


def _nearest(walkers: Sequence[_User], vehicles: Sequence[_User]) -> _Meeting | None:
    meetings = (_Meeting(_gap(w, v), w, v) for w in walkers for v in vehicles)
    return min(meetings, key=lambda m: m.gap, default=None)


def _gap(walker: _User, vehicle: _User) -> float:
    """From the walker's feet to the vehicle's place on the ground, in heights of the walker."""
    x1, y1, x2, y2 = walker.box
    left, top, right, bottom = vehicle.box
    feet_x = (x1 + x2) / 2
    dx = max(left - feet_x, feet_x - right, 0.0)
    dy = max((top + bottom) / 2 - y2, y2 - bottom, 0.0)
    # The ground is seen at a slant: what is one pixel up is farther than one pixel aside.
    return math.hypot(dx, 1.5 * dy) / max(1.0, y2 - y1)


def _users(objects: Sequence[Any]) -> list[_User]:
    """The objects that can be read; a simulated model is as forgiving as a real one."""
    found = []
    for o in objects:
        try:
            x1, y1, x2, y2 = (float(v) for v in o["box"])
            velocity = o.get("velocityPxS")
            speed = math.hypot(*(float(v) for v in velocity)) if velocity else None
            found.append(_User(int(o["id"]), str(o["class"]), (x1, y1, x2, y2), speed))
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
    return found


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else None


def _language(scene: Mapping[str, Any], text: str) -> str:
    language = scene.get("language")
    if language in _TEXTS:
        return str(language)
    return "zh" if re.search(r"[\u4e00-\u9fff]", text) else "en"


# With up to 0.07 added by the prompt's checksum; now and then a high one stays below 0.80.
_CONFIDENCE = {"none": 0.88, "low": 0.74, "medium": 0.73, "high": 0.79}

_TEXTS: dict[str, dict[str, tuple[tuple[str, ...], str]]] = {
    "zh": {
        "conflict": (("人车冲突", "碰撞风险"), "行人与行驶中的车辆距离极近，碰撞迫在眉睫。"),
        "near": (("人车接近",), "车辆在行人附近行驶，距离较近，但仍受控。"),
        "following": (("跟车过近", "追尾风险"), "行驶中的车辆间距过小，存在追尾风险。"),
        "dense": (("交通密集",), "道路使用者密集，但通行有序。"),
        "normal": ((), "交通正常，未见风险。"),
    },
    "en": {
        "conflict": (
            ("pedestrian in conflict with vehicle", "collision risk"),
            "A pedestrian is right beside a moving vehicle; a collision is imminent.",
        ),
        "near": (
            ("vehicle near pedestrian",),
            "A vehicle is moving close to a pedestrian, but under control.",
        ),
        "following": (
            ("following too closely", "rear-end risk"),
            "Moving vehicles keep too little distance; a rear-end collision is possible.",
        ),
        "dense": (("dense traffic",), "Many road users close together, moving in order."),
        "normal": ((), "Normal traffic, nothing dangerous to be seen."),
    },
}
