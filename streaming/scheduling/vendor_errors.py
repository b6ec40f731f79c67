"""What a provider's answer that is no completion means, as one of our errors. Pure."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

from streaming.errors import (
    AccountExhausted,
    BadRequest,
    ContentRefused,
    KeyRejected,
    ModelMissing,
    ModelRefused,
    NoApi,
    Overloaded,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    Throttled,
)
from streaming.logs import MASK, mask_url
from streaming.scheduling import error_body
from streaming.scheduling.error_body import Said
from streaming.scheduling.meaning import Answer, meaning
from streaming.scheduling.outcomes import Outcome
from streaming.scheduling.throttle import CAUSES
from streaming.settings.vendors import Vendor

_MAX_MESSAGE_CHARS = 200
_MAX_CODE_CHARS = 60
_LONGEST_RETRY_AFTER_S = 3600.0


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
    response: Response, *, base_url: str, vendor: Vendor, key_id: str, secret: str, now: datetime
) -> ProviderError:
    """The error for an answer that is no completion; some servers repeat the key in it.

    Also for a 200 that is a web page, or that has an error in its body.
    """
    read = error_body.read(response.body)
    wait_s = wait_named(response.headers, now)
    answer = Answer(response.status, read, vendor, is_html(response), wait_s is not None)
    outcome = meaning(answer)
    said = f"{response.status}: {_shown(read, secret)}"
    if 300 <= response.status < 400:
        said += " (a redirect: set the address it leads to)"
    error = _error(outcome, _Told(said, key_id, mask_url(base_url)))
    error.status, error.retry_after_s = response.status, wait_s
    return error


@dataclass(frozen=True, slots=True)
class _Told:
    """What every message may say: the provider's own words, whose key, which address."""

    said: str
    key_id: str
    where: str


def _error(outcome: Outcome, told: _Told) -> ProviderError:
    if outcome in CAUSES:
        return Throttled(f"key {told.key_id}: {told.said}", cause=CAUSES[outcome])
    return _ERRORS.get(outcome, _unavailable)(told)


def _unavailable(told: _Told) -> ProviderError:
    return ProviderUnavailable(f"the provider at {told.where} answered {told.said}")


_ERRORS: dict[Outcome, Callable[[_Told], ProviderError]] = {
    Outcome.OWES_MONEY: lambda t: AccountExhausted(
        f"key {t.key_id}: the account is out of credit or quota ({t.said})"
    ),
    Outcome.KEY_REFUSED: lambda t: KeyRejected(
        f"key {t.key_id} is not accepted (api_keys in api_keys.yaml, {t.said}); "
        "`trafficmon keys verify` checks all keys"
    ),
    Outcome.MODEL_REFUSED: lambda t: ModelRefused(
        f"key {t.key_id} may not use the model (provider.model, {t.said}); allow it in the "
        "provider's console, or set another"
    ),
    Outcome.MODEL_MISSING: lambda t: ModelMissing(
        f"the provider has no such model (provider.model, {t.said})"
    ),
    Outcome.CONTENT_REFUSED: lambda t: ContentRefused(
        f"the provider refuses to judge this group ({t.said})"
    ),
    Outcome.REQUEST_REFUSED: lambda t: BadRequest(f"the provider refuses the request ({t.said})"),
    Outcome.OVERLOADED: lambda t: Overloaded(f"the provider has no capacity just now ({t.said})"),
    Outcome.TIMED_OUT: lambda t: ProviderTimeout(f"the provider gave up waiting ({t.said})"),
    Outcome.NOT_A_PROVIDER: lambda t: NoApi(
        f"{t.where} (provider.base_url) answered {t.said}: no OpenAI-compatible API is there; "
        "check the address and any proxy on the way"
    ),
}


def wait_named(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds to wait as the headers say, in `retry-after-ms` (Azure) or `retry-after`."""
    try:
        wait_s = float(headers.get("retry-after-ms", "")) / 1000
    except ValueError:
        return retry_after(headers.get("retry-after"), now)
    return None if math.isnan(wait_s) else min(max(wait_s, 0.0), _LONGEST_RETRY_AFTER_S)


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


def _shown(said: Said, secret: str) -> str:
    """Its own words, on one line. The key goes before the cut: half of it is too much."""
    message = without_secret(said.message, secret)[:_MAX_MESSAGE_CHARS]
    codes = sorted(said.codes, key=str.isdigit)  # a name says more than a number
    code = without_secret(codes[0], secret)[:_MAX_CODE_CHARS] if codes else ""
    return f"{message} [{code}]".strip() if code else message or "no message"
