"""OpenAI-compatible chat, both ways: the bytes of a request, the text of an answer. Pure."""

import base64
from dataclasses import dataclass
from typing import Any

import msgspec

from streaming.errors import BadAnswer
from streaming.scheduling.prompt import Prompt

MAX_IMAGE_BYTES = 7_000_000
"""DashScope takes 10 MB of base64 text, which is 7.5 MB of JPEG."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the model is to answer."""

    max_tokens: int
    temperature: float


@dataclass(frozen=True, slots=True)
class Exchange:
    """An answer that was no verdict, and what to say about it."""

    answer: str
    objection: str


@dataclass(frozen=True, slots=True)
class Reply:
    """The model's text, the name it goes by, and the tokens that were billed."""

    text: str
    model: str
    prompt_tokens: int
    completion_tokens: int


_MAX_REPEATED_CHARS = 4_000


def request(
    model: str,
    prompt: Prompt,
    sampling: Sampling,
    *,
    image: bytes | None = None,
    earlier: Exchange | None = None,
) -> bytes:
    """The body of POST /chat/completions; a JPEG goes in as a data: URL."""
    content: list[dict[str, Any]] = []
    if image is not None:
        url = "data:image/jpeg;base64," + base64.b64encode(image).decode("ascii")
        content.append({"type": "image_url", "image_url": {"url": url}})
    content.append({"type": "text", "text": prompt.user})
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": prompt.system},
        {"role": "user", "content": content},
    ]
    if earlier is not None:
        shown = earlier.answer[:_MAX_REPEATED_CHARS] or "(empty)"
        messages.append({"role": "assistant", "content": shown})
        messages.append({"role": "user", "content": earlier.objection})
    return msgspec.json.encode(
        {
            "model": model,
            "messages": messages,
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
        }
    )


class _Message(msgspec.Struct):
    content: str | list[dict[str, Any]] | None = None


class _Choice(msgspec.Struct):
    message: _Message


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Completion(msgspec.Struct):
    choices: list[_Choice]
    model: str = ""
    usage: _Usage | None = None


_decoder = msgspec.json.Decoder(_Completion)


def reply(body: bytes) -> Reply:
    """The answer in the body of a 200.

    Raises:
        BadAnswer: not a chat completion, or one without any text.
    """
    try:
        completion = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise BadAnswer(f"the body is no chat completion: {str(exc)[:120]}") from exc
    if not completion.choices:
        raise BadAnswer("the completion has no choices")
    content = completion.choices[0].message.content
    if isinstance(content, list):
        content = "".join(str(part.get("text", "")) for part in content)
    usage = completion.usage or _Usage()
    return Reply(
        content or "",
        completion.model,
        max(0, usage.prompt_tokens),
        max(0, usage.completion_tokens),
    )


def cheapest_request(model: str) -> bytes:
    """The body of a call that asks for one token: enough to see whether a key works."""
    return msgspec.json.encode(
        {"model": model, "messages": [{"role": "user", "content": "1"}], "max_tokens": 1}
    )
