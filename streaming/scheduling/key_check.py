"""What a check of a key found, and what to do about it. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from streaming.errors import (
    AccountExhausted,
    BadAnswer,
    BadRequest,
    KeyRejected,
    ModelMissing,
    ModelRefused,
    NoApi,
    Overloaded,
    ProviderError,
    ProviderTimeout,
    ProviderUnreachable,
    Throttled,
)
from streaming.settings import ApiKey

Cause = Literal[
    "rejected", "forbidden", "arrears", "throttled", "model_not_found", "refused", "no_connection",
    "no_api", "timeout", "bad_answer", "overloaded", "provider_error",
]  # fmt: skip
AccountKnown = Literal["shared", "own", "cannot tell"]

ORGANIZATION_HEADERS = ("openai-organization", "anthropic-organization-id")
REMAINING_HEADER = "x-ratelimit-remaining-requests"
REQUESTS_HEADER = "x-ratelimit-limit-requests"
TOKENS_HEADER = "x-ratelimit-limit-tokens"

_MAX_NAME_CHARS = 80
_ADVICE: dict[Cause, str] = {
    "rejected": "wrong or revoked: copy it anew from the provider's console into api_keys",
    "forbidden": "allow it the model {model} in the provider's console, or set provider.model",
    "arrears": "top up its account, or set enabled: false",
    "throttled": "nothing: it is valid and busy just now; a limit in api_keys may be too high",
    "model_not_found": "set provider.model, now {model}, to one that its account has",
    "refused": "see what the provider says; provider.model is {model}",
    "no_connection": "check provider.base_url, the network and the firewall",
    "no_api": "check provider.base_url and any proxy on the way",
    "timeout": "check again; if it stays so, the provider or the way to it is slow",
    "bad_answer": "check provider.base_url: what answers speaks another language",
    "overloaded": "nothing: the provider has no capacity just now",
    "provider_error": "check again later: the provider has trouble of its own",
}


@dataclass(frozen=True, slots=True)
class Signs:
    """What an answer tells about the key's account; None where it says nothing."""

    organization: str | None = None
    requests_limit: int | None = None
    tokens_limit: int | None = None
    remaining: int | None = None


@dataclass(frozen=True, slots=True)
class KeyCheck:
    """One key's check: `error` says what is wrong, `advice` what to do.

    `latency_ms` is the call's, `account` the one of api_keys.yaml, `account_known` what the
    provider's answers show, `requests_limit` and `tokens_limit` the limits a minute that they
    name. `limits_too_high` says which of ours is above, `warnings` that and what else is amiss.
    """

    key_id: str
    valid: bool
    latency_ms: float | None
    error: str | None
    cause: Cause | None = None
    advice: str | None = None
    account: str | None = None
    account_known: AccountKnown = "cannot tell"
    shares_account_with: tuple[str, ...] = ()
    account_sign: str | None = None
    requests_limit: int | None = None
    tokens_limit: int | None = None
    limits_too_high: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For JSON; the key itself is not in it."""
        return asdict(self)

    @property
    def account_shown(self) -> str:
        """For a table."""
        if self.account_known == "shared":
            return "shared with " + ", ".join(self.shares_account_with)
        return self.account_known


def cause_of(error: ProviderError) -> Cause:
    """Why a key's call failed."""
    causes: tuple[tuple[type[ProviderError], Cause], ...] = (
        (AccountExhausted, "arrears"),
        (KeyRejected, "forbidden" if error.status == 403 else "rejected"),
        (Throttled, "throttled"),
        (ModelMissing, "model_not_found"),
        (ModelRefused, "forbidden"),
        (BadRequest, "refused"),
        (NoApi, "no_api"),
        (Overloaded, "overloaded"),
        (ProviderUnreachable, "no_connection"),
        (ProviderTimeout, "timeout"),
        (BadAnswer, "bad_answer"),
    )
    return next((cause for kind, cause in causes if isinstance(error, kind)), "provider_error")


def checked(
    key: ApiKey, error: ProviderError | None, latency_ms: float | None, model: str
) -> KeyCheck:
    """The check of one key, before it is compared with others."""
    if error is None:
        return KeyCheck(key.id, True, latency_ms, None, account=key.account)
    cause = cause_of(error)
    return KeyCheck(
        key.id,
        cause == "throttled",  # an answer to a key that the provider knows
        latency_ms,
        str(error),
        cause,
        _ADVICE[cause].format(model=model),
        key.account,
    )


def signs_in(headers: Mapping[str, str], secret: str) -> Signs:
    """What the headers of an answer tell; a name that holds the key itself is none."""
    found = (headers.get(name) for name in ORGANIZATION_HEADERS)
    organization = next((name for name in found if name and secret not in name), None)
    return Signs(
        organization[:_MAX_NAME_CHARS] if organization else None,
        _count(headers.get(REQUESTS_HEADER)),
        _count(headers.get(TOKENS_HEADER)),
        _count(headers.get(REMAINING_HEADER)),
    )


def _count(value: str | None) -> int | None:
    return int(value) if value is not None and value.isascii() and value.isdigit() else None
