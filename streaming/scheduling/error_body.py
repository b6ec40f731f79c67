"""What an error's body says, in whichever of the usual forms. Pure."""

import re
from dataclasses import dataclass
from typing import Any

import msgspec

_MAX_PARTS = 20
_MAX_DEPTH = 6
_MAX_WORDS_CHARS = 2_000
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)

_CODES = (
    "code",
    "type",
    "status",
    "error_code",
    "errorCode",
    "statusCode",
    "status_code",
    "reason",
)
_MESSAGES = (
    "message", "msg", "error_msg", "errorMessage", "status_msg", "status_message", "detail",
    "details", "error_description", "title", "raw", "error",
)  # fmt: skip
_INSIDE = ("choices", "error", "errors", "detail", "details", "message", "metadata", "base_resp",
           "innererror", "response")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """Codes as they came (the innermost first), the message, and all of it in lower case."""

    codes: tuple[str, ...]
    message: str
    words: str


def read(body: bytes) -> Said:
    """What the body says; of a web page its title, of anything else its beginning."""
    text = body[:_MAX_WORDS_CHARS].decode("utf-8", "replace")
    try:
        value: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        title = _TITLE.search(text)
        message = title[1] if title else text
        return Said((), _line(message), _line(text).lower())
    codes: list[str] = []
    messages: list[str] = []
    _collect(value, codes, messages, 0)
    message = _line(next((m for m in messages if m.strip()), ""))
    words = _line(" ".join((*codes, *messages)))[:_MAX_WORDS_CHARS].lower()
    return Said(tuple(dict.fromkeys(codes)), message, words)


def tells_error(body: bytes) -> bool:
    """Whether the body of a 200 is an error instead of a completion, or of its only choice."""
    try:
        value: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    if not isinstance(value, dict):
        return False
    choices = value.get("choices")
    if isinstance(choices, list) and choices:
        value = choices[0] if isinstance(choices[0], dict) else {}
        return bool(value.get("error"))
    said = read(body)
    return bool(said.codes or said.message)


def _collect(value: Any, codes: list[str], messages: list[str], depth: int) -> None:
    """By known names only: what a body quotes of our request is not looked at."""
    if len(messages) >= _MAX_PARTS or depth > _MAX_DEPTH:
        return
    if isinstance(value, str):
        _collect_text(value, codes, messages, depth)
    elif isinstance(value, list):
        for part in value[:_MAX_PARTS]:
            _collect(part, codes, messages, depth + 1)
    elif isinstance(value, dict):
        for name in _INSIDE:
            if isinstance(value.get(name), dict | list):
                _collect(value[name], codes, messages, depth + 1)
        codes += [str(value[n]) for n in _CODES if isinstance(value.get(n), str | int)]
        for name in _MESSAGES:
            if isinstance(value.get(name), str):
                _collect(value[name], codes, messages, depth + 1)


def _collect_text(text: str, codes: list[str], messages: list[str], depth: int) -> None:
    """A message; gateways hand on what the provider behind them said, as JSON in a string."""
    if text.lstrip().startswith("{"):
        try:
            return _collect(msgspec.json.decode(text), codes, messages, depth + 1)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            pass
    return messages.append(text)


def _line(text: str) -> str:
    return " ".join(text.split())
