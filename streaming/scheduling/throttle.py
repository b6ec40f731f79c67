"""What a 429 is about, told from its body. Pure.

DashScope's wording; OpenAI-compatible servers elsewhere use the same codes. Codes are
looked at before messages: the message of one cause may quote another's words.
"""

from enum import StrEnum


class Throttle(StrEnum):
    """Which limit was met: calls a minute or second, tokens a minute, a sudden rise."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    BURST = "burst"
    UNKNOWN = "unknown"


# The account owes money or its free tier is used up: waiting does not help. The code is
# compared whole: `insufficient_quota` is DashScope's throttle on tokens a minute.
_EXHAUSTED = (
    b"arrearage",
    b"bill_overdue",
    b"billoverdue",
    b"freetieronly",
    b"commoditynotpurchased",
    b"account_deactivated",
    b"in good standing",
    b"billing_hard_limit",
)

_THROTTLES: tuple[tuple[Throttle, tuple[bytes, ...]], ...] = (
    (Throttle.BURST, (b"limit_burst_rate", b"burstrate", b"increased too quickly")),
    (Throttle.REQUESTS, (b"limit_requests", b"ratequota")),
    (Throttle.TOKENS, (b"insufficient_quota", b"allocationquota", b"limit_tokens")),
    (
        Throttle.REQUESTS,
        (b"requests rate limit exceeded", b"current requests list", b"request limit"),
    ),
    (Throttle.TOKENS, (b"allocated quota exceeded", b"current quota", b"tokens per min")),
    (Throttle.REQUESTS, (b"rate_limit_exceeded", b"too many requests", b"requests per")),
)


def is_exhausted(body: bytes) -> bool:
    """Whether the account is out of money or quota for good, whatever the status code says."""
    text = body.lower()
    return any(mark in text for mark in _EXHAUSTED)


def cause_of(body: bytes) -> Throttle:
    """Which limit a 429 with this body is about."""
    text = body.lower()
    for cause, marks in _THROTTLES:
        if any(mark in text for mark in marks):
            return cause
    return Throttle.UNKNOWN
