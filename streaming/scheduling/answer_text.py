"""Where in a model's text its verdict is: thinking, prose and quotations around it. Pure."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from streaming.errors import BadAnswer

_MAX_TEXT_CHARS = 64_000
_MAX_OBJECT_CHARS = 8_000
_MAX_MENTIONS = 8
_MAX_STARTS = 6
"""Objects begun before a mention of riskLevel that are tried as the one it belongs to."""

_THOUGHT_MARK = re.compile(r"<(/?)(?:think|thinking|thought|reasoning)>|◁(/?)think▷", re.IGNORECASE)
_MENTION = re.compile(r'"risk_?level"\s*:', re.IGNORECASE)


def spoken(text: str) -> str:
    """The text without what the model thought aloud.

    Servers differ in what they cut: the whole of it may be there, only its end (the chat
    template wrote the beginning), or only its beginning (the answer was cut short).
    """
    said: list[str] = []
    thinking, since = False, 0
    for mark in _THOUGHT_MARK.finditer(text):
        if mark[1] or mark[2]:
            said = said if thinking else []
            thinking, since = False, mark.end()
        elif not thinking:
            said.append(text[since : mark.start()])
            thinking = True
    return "".join(said) if thinking else "".join((*said, text[since:]))


def verdict_fields(text: str) -> Mapping[str, Any]:
    """The fields of the verdict in an answer, names in lower case and without `_`.

    Of several verdicts the last one counts: what stands before it is a draft, or was read out
    of the picture. One that says "none" after one that named a danger is not believed, though:
    a sign that is quoted at the end must not hide what the model found.

    Raises:
        BadAnswer: no verdict, an unfinished one, or several as above.
    """
    text = spoken(text[:_MAX_TEXT_CHARS]).strip()
    if not text:
        raise BadAnswer("the answer is empty")
    first, end = _object_at(text, text.find("{"), _MAX_TEXT_CHARS)
    verdicts: list[Mapping[str, Any]] = [first] if first and "risklevel" in first else []
    complete = end if verdicts else 0
    mentions = list(_MENTION.finditer(text, complete))[-_MAX_MENTIONS:]
    for mention in mentions:
        if mention.start() >= complete:
            verdict, complete = _object_around(text, mention)
            verdicts += [verdict] if verdict else []
    if verdicts and not complete:
        raise BadAnswer("the last verdict of the answer is not complete")
    if not verdicts:
        missing = first is not None and not mentions
        raise BadAnswer("riskLevel is missing" if missing else "the answer holds no JSON object")
    return _last_word(verdicts)


def _last_word(verdicts: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    *earlier, last = verdicts
    if _says_none(last) and not all(map(_says_none, earlier)):
        raise BadAnswer("the answer holds several verdicts, and they disagree")
    return last


def _says_none(verdict: Mapping[str, Any]) -> bool:
    level = verdict["risklevel"]
    return isinstance(level, str) and level.strip().lower() in {
        "none",
        "no",
        "无",
        "无风险",
        "正常",
    }


def _object_around(text: str, mention: re.Match[str]) -> tuple[dict[str, Any] | None, int]:
    """The JSON object that this mention of riskLevel is a field of, and where it ends."""
    for start in _starts_before(text, mention.start()):
        value, end = _object_at(text, start, _MAX_OBJECT_CHARS)
        if value is not None and "risklevel" in value and end > mention.end():
            return value, end
    return None, 0


def _object_at(text: str, start: int, max_chars: int) -> tuple[dict[str, Any] | None, int]:
    """The JSON object that begins here, and where it ends; None and 0 if none does."""
    if start < 0:
        return None, 0
    try:
        value, length = _DECODER.raw_decode(text[start : start + max_chars])
    except (ValueError, RecursionError):
        return None, 0
    return value, start + length


def _starts_before(text: str, position: int) -> Iterator[int]:
    """Where objects begin before this position, the nearest first."""
    for _ in range(_MAX_STARTS):
        position = text.rfind("{", 0, position)
        if position < 0:
            return
        yield position


def _fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object's fields. A riskLevel that is named twice is none: which one was meant?"""
    fields: dict[str, Any] = {}
    for name, value in pairs:
        key = name.replace("_", "").lower()
        if key == "risklevel" and key in fields and fields[key] != value:
            value = None  # noqa: PLW2901 - the level is then refused with the rest of the answer
        fields[key] = value
    return fields


_DECODER = json.JSONDecoder(object_pairs_hook=_fields)
