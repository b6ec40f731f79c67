"""OpenAI-compatible chat, both ways: the bytes of a request, the text of an answer. Pure."""

import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from streaming.errors import BadAnswer
from streaming.scheduling.prompt import Prompt

_MOST_ANSWER_TOKENS = 32_768

MAX_IMAGE_BYTES = 7_000_000
"""DashScope takes 10 MB of base64 text, which is 7.5 MB of JPEG."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the model is to answer."""

    max_tokens: int
    temperature: float

    def parameters(self) -> dict[str, Any]:
        """By their usual names."""
        return {"max_tokens": self.max_tokens, "temperature": self.temperature}

    def with_room(self, times: int) -> "Sampling":
        """The same, for an answer that may be so many times as long."""
        return Sampling(min(self.max_tokens * times, _MOST_ANSWER_TOKENS), self.temperature)


@dataclass(frozen=True, slots=True)
class Exchange:
    """An answer that was no verdict, and what to say about it."""

    answer: str
    objection: str


Ending = Literal["whole", "cut_short", "refused"]


@dataclass(frozen=True, slots=True)
class Reply:
    """The model's text, the name it goes by, the tokens that were billed, and how it ended."""

    text: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    ending: Ending = "whole"


_MAX_REPEATED_CHARS = 4_000
_MAX_MODEL_CHARS = 100
_MOST_TOKENS = 100_000_000
_URL_HERE = "data:image/jpeg;base64,"
_ENDINGS: dict[str, Ending] = {
    "length": "cut_short", "max_tokens": "cut_short", "model_length": "cut_short",
    "content_filter": "refused", "sensitive": "refused", "safety": "refused",
    "prohibited_content": "refused", "refusal": "refused",
}  # fmt: skip
"""`finish_reason` of OpenAI and DashScope, Zhipu (sensitive), Mistral and gateways to others."""


def request(
    model: str,
    prompt: Prompt,
    *,
    image: bytes | None = None,
    earlier: Exchange | None = None,
) -> bytes:
    """The body of POST /chat/completions without parameters; a JPEG goes in as a data: URL."""
    content: list[dict[str, Any]] = []
    if image is not None:
        content.append({"type": "image_url", "image_url": {"url": _URL_HERE}})
    content.append({"type": "text", "text": prompt.user})
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": prompt.system},
        {"role": "user", "content": content},
    ]
    if earlier is not None:
        shown = earlier.answer[:_MAX_REPEATED_CHARS] or "(empty)"
        messages.append({"role": "assistant", "content": shown})
        messages.append({"role": "user", "content": earlier.objection})
    encoded = msgspec.json.encode({"model": model, "messages": messages})
    return encoded if image is None else _with_image(encoded, image)


def _with_image(encoded: bytes, image: bytes) -> bytes:
    """Base64 needs no escaping: put in afterwards it is copied once, and never looked through."""
    marker = b'{"url":"' + _URL_HERE.encode()  # its quotes would be escaped inside any text
    end = encoded.index(marker) + len(marker)
    return b"".join((encoded[:end], binascii.b2a_base64(image, newline=False), encoded[end:]))


def with_parameters(body: bytes, parameters: Mapping[str, Any]) -> bytes:
    """The same request with these beside its messages; the picture in it is copied once."""
    if not parameters:
        return body
    return b"".join((memoryview(body)[:-1], b",", msgspec.json.encode(parameters)[1:]))


class _Message(msgspec.Struct):
    content: str | list[Any] | None = None
    reasoning: Any = None
    reasoning_content: Any = None
    refusal: Any = None


class _Choice(msgspec.Struct):
    message: _Message
    error: Any = None
    finish_reason: Any = None


class _Usage(msgspec.Struct):
    prompt_tokens: Any = 0
    completion_tokens: Any = 0


class _Completion(msgspec.Struct):
    choices: list[_Choice]
    model: str | None = None
    usage: _Usage | None = None


_decoder = msgspec.json.Decoder(_Completion)


def reply(body: bytes) -> Reply:
    """The answer in the body of a 200.

    Raises:
        BadAnswer: not a chat completion.
    """
    try:
        completion = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        what = f"the body is no chat completion: {str(exc)[:120]}" if body else "the body is empty"
        raise BadAnswer(what) from exc
    if not completion.choices:
        raise BadAnswer("the completion has no choices")
    choice = completion.choices[0]
    if choice.error:
        raise BadAnswer("the completion holds an error")
    ending = _ENDINGS.get(str(choice.finish_reason).lower(), "whole")
    text = _text(choice.message.content)
    if not text.strip() and choice.message.refusal:
        text, ending = _text(choice.message.refusal), "refused"
    if not text.strip() and ending == "whole":
        text = _text(choice.message.reasoning_content) or _text(choice.message.reasoning)
    usage = completion.usage or _Usage()
    return Reply(
        text,
        _printable(completion.model or "")[:_MAX_MODEL_CHARS],
        _tokens(usage.prompt_tokens),
        _tokens(usage.completion_tokens),
        ending,
    )


def _text(content: object) -> str:
    """A string, or the texts of a list of parts. In JSON mode some servers (vLLM with a reasoning
    parser, for one) leave `content` empty and put the object beside it."""
    if isinstance(content, list):
        return "".join(str(p.get("text", "")) for p in content if isinstance(p, dict))
    return content if isinstance(content, str) else ""


def _tokens(value: object) -> int:
    """A count that is none costs nobody a verdict."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return int(min(max(value, 0), _MOST_TOKENS))


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(c for c in text if c.isprintable())


def cheapest_request(model: str) -> bytes:
    """The body of a call that, with `CHEAPEST`, is enough to see whether a key works."""
    return msgspec.json.encode({"model": model, "messages": [{"role": "user", "content": "1"}]})


CHEAPEST: Mapping[str, Any] = {"max_tokens": 1}
