"""What a request to the simulated provider asks for. Pure."""

from dataclasses import dataclass
from typing import Any

import msgspec

_DATA_URL = b'"data:image/'
_SHOWN = ("data:image/", "http://", "https://")


@dataclass(frozen=True, slots=True)
class Chat:
    """One request: all of its text, how many images it shows, and how it is to be answered."""

    model: str
    text: str
    images: int
    stream: bool
    json_mode: bool


def chat_of(raw: bytes, default_model: str) -> Chat:
    """The chat in a request's body.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: it is none.
    """
    body = msgspec.json.decode(without_pictures(raw))
    texts, images = _asked(body["messages"])
    response_format = body.get("response_format") or {}
    return Chat(
        model=str(body.get("model", default_model)),
        text="\n".join(texts),
        images=images,
        stream=bool(body.get("stream")),
        json_mode=response_format.get("type") == "json_object",
    )


def without_pictures(raw: bytes) -> bytes:
    """The same JSON with data: URLs cut short: a picture is nine tenths of a request, and unread.

    Only a whole string is cut, never a text that quotes such a URL.
    """
    parts, done = [], 0
    while (start := raw.find(_DATA_URL, done)) >= 0:
        begin = start + len(_DATA_URL)
        end = raw.find(b'"', begin)
        if end < 0:
            break
        if raw[start - 1 : start] == b"\\" or raw[end - 1 : end] == b"\\":
            end = begin  # inside of a text
        parts.append(raw[done:begin])
        done = end
    return raw if not parts else b"".join((*parts, raw[done:]))


def _asked(messages: Any) -> tuple[list[str], int]:
    texts, images = [], 0
    for message in messages:
        content = message.get("content") or ""
        if isinstance(content, str):
            texts.append(content)
            continue
        for part in content:
            if part["type"] == "text":
                texts.append(part["text"])
            elif part["type"] == "image_url":
                if not part["image_url"]["url"].startswith(_SHOWN):
                    raise ValueError("no image")
                images += 1
    return texts, images
