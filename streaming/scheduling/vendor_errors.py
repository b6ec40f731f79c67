"""What a provider's answer other than 200 means, as one of our errors. Pure."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from streaming.errors import (
    AccountExhausted,
    BadRequest,
    KeyRejected,
    ModelMissing,
    NoApi,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    Throttled,
)
from streaming.logs import MASK, mask_url
from streaming.scheduling.throttle import cause_of, is_exhausted

_MAX_MESSAGE_CHARS = 200
_LONGEST_RETRY_AFTER_S = 3600.0
_ABOUT_JSON_MODE = re.compile(rb"response_?\s?format|json_object|json[ _-]mode|structured output")
_MODEL_MISSING = re.compile(
    rb"model_?not_?found|model\b.{0,120}?\b(?:not found|not exist|does ?n[o']t exist)", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Response:
    """What came back; `headers` finds a name in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def is_html(response: Response) -> bool:
    """Whether a web page came instead of an API's answer."""
    content_type = response.headers.get("content-type", "").lower()
    start = response.body[:100].lstrip().lower()
    return "text/html" in content_type or start.startswith((b"<!doctype html", b"<html"))


def error_of(
    response: Response, *, base_url: str, key_id: str, secret: str, now: datetime
) -> ProviderError:
    """The error for an answer that is not a completion; some servers repeat the key in it."""
    said = f"{response.status}: {_message(response.body, secret)}"
    error = _error_of(response, said, base_url, key_id, now)
    error.status = response.status
    return error


def _error_of(  # noqa: PLR0911 - the most specific reading wins
    response: Response, said: str, base_url: str, key_id: str, now: datetime
) -> ProviderError:
    status, body = response.status, response.body
    if is_exhausted(body):
        return AccountExhausted(f"key {key_id}: the account is out of credit ({said})")
    if status == 429:
        retry_after_s = retry_after(response.headers.get("retry-after"), now)
        return Throttled(f"key {key_id}: {said}", cause=cause_of(body), retry_after_s=retry_after_s)
    # Before 401 and 403: a proxy's login page says nothing about the key.
    if is_html(response):
        return html_answer(status, base_url)
    if status in {401, 403}:
        return KeyRejected(
            f"key {key_id} is not accepted (api_keys in api_keys.yaml, {said}); "
            "`trafficmon keys verify` checks all keys"
        )
    if status == 408:
        return ProviderTimeout(f"the provider gave up waiting ({said})")
    if 300 <= status < 400:
        return NoApi(
            f"{mask_url(base_url)} (provider.base_url) redirects elsewhere ({status}): "
            "set the address it leads to"
        )
    if status in {400, 404} and _MODEL_MISSING.search(body.lower()):
        return ModelMissing(f"the provider has no such model (provider.model, {said})")
    if 400 <= status < 500:
        return BadRequest(f"the provider refuses the request ({said})")
    return ProviderUnavailable(f"the provider at {mask_url(base_url)} answered {said}")


def html_answer(status: int, base_url: str) -> NoApi:
    """The error for a web page."""
    error = NoApi(
        f"{mask_url(base_url)} (provider.base_url) answered {status} with HTML, so it is no "
        "OpenAI-compatible API: check the address and any proxy on the way"
    )
    error.status = status
    return error


def refuses_json_mode(response: Response) -> bool:
    """Whether it is `response_format` that the server objects to."""
    return response.status in {400, 422} and bool(_ABOUT_JSON_MODE.search(response.body.lower()))


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds to wait by a Retry-After header (seconds or an HTTP date), at most an hour."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - now).total_seconds()
        except (ValueError, TypeError):
            return None
    return None if math.isnan(seconds) else min(max(seconds, 0.0), _LONGEST_RETRY_AFTER_S)


def without_secret(text: str, secret: str) -> str:
    """The text without the key, which some servers repeat in their message."""
    return text.replace(secret, MASK) if secret else text


def _message(body: bytes, secret: str) -> str:
    """The error's own words, on one line. The key goes before the cut: half of it is too much."""
    try:
        fields: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        text = body[: _MAX_MESSAGE_CHARS + len(secret)].decode("utf-8", "replace")
    else:
        error = fields.get("error", fields) if isinstance(fields, dict) else fields
        if isinstance(error, dict):
            code, message = error.get("code"), error.get("message", "")
            text = f"{message} [{code}]" if code else str(message)
        else:
            text = str(error)
    shown = " ".join(without_secret(text, secret).split())[:_MAX_MESSAGE_CHARS]
    return shown or "no message"
