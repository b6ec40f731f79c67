"""What the model's answer means: parsed, repaired where only one reading is possible. Pure."""

import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from streaming.errors import BadAnswer
from streaming.scheduling.answer_text import verdict_fields

Level = Literal["none", "low", "medium", "high"]

_MAX_RISK_TYPES = 3
_MAX_RISK_TYPE_CHARS = 40
_MAX_DESCRIPTION_CHARS = 500

_LEVELS: dict[str, Level] = {
    "none": "none", "no": "none", "无": "none", "无风险": "none", "正常": "none",
    "low": "low", "低": "low", "低风险": "low",
    "medium": "medium", "moderate": "medium", "中": "medium", "中等": "medium", "中风险": "medium",
    "high": "high", "高": "high", "高风险": "high",
}  # fmt: skip
_RISING: tuple[Level, ...] = ("none", "low", "medium", "high")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The confidence (0..1) that each level needs; with less, the next lower one stands."""

    low: float = 0.45
    medium: float = 0.65
    high: float = 0.80


@dataclass(frozen=True, slots=True)
class Verdict:
    """The model's judgement of one group. `confidence` is of the level the model chose."""

    risk_level: Level
    confidence: float
    risk_types: tuple[str, ...]
    description: str
    danger_object_count: int
    trigger_object_ids: tuple[int, ...]


def parse(text: str, object_ids: Collection[int], thresholds: Thresholds) -> Verdict:
    """The verdict in an answer, prose and code fences around it ignored.

    Raises:
        BadAnswer: no JSON object with a known risk level and a confidence in it.
    """
    fields = verdict_fields(text)
    level = _level(fields.get("risklevel"))
    confidence = _confidence(fields.get("confidence"), level, thresholds)
    known = set(object_ids)
    triggers = tuple(
        dict.fromkeys(i for i in _integers(fields.get("triggerobjectids")) if i in known)
    )
    count = _integer(fields.get("dangerobjectcount"))
    return Verdict(
        risk_level=demoted(level, confidence, thresholds),
        confidence=confidence,
        risk_types=_risk_types(fields.get("risktypes")),
        description=_text(fields.get("description"), _MAX_DESCRIPTION_CHARS),
        danger_object_count=min(max(len(triggers) if count is None else count, 0), len(known)),
        trigger_object_ids=triggers,
    )


def demoted(level: Level, confidence: float, thresholds: Thresholds) -> Level:
    """The highest level, at most `level`, whose threshold the confidence reaches."""
    needed = {"low": thresholds.low, "medium": thresholds.medium, "high": thresholds.high}
    for candidate in reversed(_RISING[1 : _RISING.index(level) + 1]):
        if confidence >= needed[candidate]:
            return candidate
    return "none"


def _level(value: Any) -> Level:
    name = value.strip().lower() if isinstance(value, str) else None
    level = _LEVELS.get(name.removesuffix(" risk")) if name is not None else None
    if level is None:
        raise BadAnswer(f"riskLevel {_shown(value)} is none of {', '.join(_RISING)}")
    return level


def _confidence(value: Any, level: Level, thresholds: Thresholds) -> float:
    """From 0 to 1. A percentage is taken as one where that leaves the level a danger.

    Anything else above 1 may be of 10, of 100 or a slip: it is asked back, since a guess could
    turn a danger into "none".
    """
    number = _number(value)
    if number is None or not math.isfinite(number):
        raise BadAnswer(f"confidence {_shown(value)} is not a number from 0 to 1")
    if 0 <= number <= 1:
        return number
    as_percentage = number / 100
    if 10 < number <= 100 and (
        level == "none" or demoted(level, as_percentage, thresholds) != "none"
    ):
        return as_percentage
    raise BadAnswer(f"confidence {_shown(value)} is on another scale than 0 to 1")


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    text = value.strip() if isinstance(value, str) else value
    try:
        if isinstance(text, str):
            return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        return float(text) if isinstance(text, int | float) else None
    except (ValueError, OverflowError):
        return None


def _integer(value: Any) -> int | None:
    number = _number(value)
    if number is None or not math.isfinite(number) or number != int(number):
        return None
    return int(number)


def _integers(value: Any) -> list[int]:
    values = value if isinstance(value, list) else [value]
    return [i for i in map(_integer, values) if i is not None]


def _risk_types(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = re.split(r"[,;，、；]", value)
    if not isinstance(value, list):
        return ()
    texts = (_text(v, _MAX_RISK_TYPE_CHARS) for v in value)
    return tuple(dict.fromkeys(t for t in texts if t))[:_MAX_RISK_TYPES]


def _text(value: Any, limit: int) -> str:
    """One line of at most `limit` printable characters; what is no text is no text.

    Not printable are control characters, marks that turn the direction of writing, and halves
    of surrogate pairs, which no encoder takes.
    """
    if not isinstance(value, str):
        return ""
    text = value[: 4 * limit]
    if not text.isprintable():
        text = "".join(c for c in text if c.isprintable() or c.isspace())
    return " ".join(text.split())[:limit]


def _shown(value: Any) -> str:
    return repr(value)[:60]
