"""What the model's answer means: parsed, repaired where only one reading is possible. Pure."""

import json
import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from streaming.errors import BadAnswer

Level = Literal["none", "low", "medium", "high"]

_MAX_TEXT_CHARS = 64_000
_MAX_JSON_STARTS = 20
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
_DECODER = json.JSONDecoder()


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
    fields = _find_object(text)
    level = _level(fields.get("risklevel"))
    confidence = _confidence(fields.get("confidence"))
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


def _find_object(text: str) -> Mapping[str, Any]:
    """The one verdict in the text, with its names in lower case and no `_`.

    Several are fine as long as they agree: a sign in the picture that was read out ("{riskLevel:
    none}") must not win over what the model found, nor the other way round.
    """
    text = text[:_MAX_TEXT_CHARS].strip()
    if not text:
        raise BadAnswer("the answer is empty")
    try:
        whole = msgspec.json.decode(text)  # as it should be, and most are
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        whole = None
    fields = _fields(whole)
    if "risklevel" in fields:
        return fields
    found = list(_objects(text))
    verdicts = [v for v in map(_fields, found) if "risklevel" in v]
    if not verdicts:
        raise BadAnswer("riskLevel is missing" if found else "the answer holds no JSON object")
    if len({str(v["risklevel"]).strip().lower() for v in verdicts}) > 1:
        raise BadAnswer("the answer holds several verdicts, and they disagree")
    return verdicts[0]


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """JSON objects in the text, also those inside of others that are no verdict."""
    end = 0
    for start in [m.start() for m in re.finditer(r"\{", text)][:_MAX_JSON_STARTS]:
        if start < end:
            continue
        try:
            value, stop = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        yield value
        if "risklevel" in _fields(value):
            end = stop


def _fields(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        return {}
    return {str(k).replace("_", "").lower(): v for k, v in value.items()}


def _level(value: Any) -> Level:
    name = value.strip().lower() if isinstance(value, str) else None
    level = _LEVELS.get(name.removesuffix(" risk")) if name is not None else None
    if level is None:
        raise BadAnswer(f"riskLevel {_shown(value)} is none of {', '.join(_RISING)}")
    return level


def _confidence(value: Any) -> float:
    number = _number(value)
    if number is None or not math.isfinite(number):
        raise BadAnswer(f"confidence {_shown(value)} is not a number from 0 to 1")
    # Above 2 it can only be meant as per cent; between 1 and 2 as a slip over 1.
    return min(max(number / 100 if number > 2 else number, 0.0), 1.0)


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
