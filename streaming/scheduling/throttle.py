"""Which limit a throttled call met. Pure."""

from enum import StrEnum

from streaming.scheduling.outcomes import Outcome


class Throttle(StrEnum):
    """Calls a minute or second, tokens a minute, a sudden rise, calls at once."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    BURST = "burst"
    CONCURRENCY = "concurrency"
    UNKNOWN = "unknown"


CAUSES: dict[Outcome, Throttle] = {
    Outcome.THROTTLED_REQUESTS: Throttle.REQUESTS,
    Outcome.THROTTLED_TOKENS: Throttle.TOKENS,
    Outcome.THROTTLED_BURST: Throttle.BURST,
    Outcome.THROTTLED_CONCURRENCY: Throttle.CONCURRENCY,
    Outcome.THROTTLED: Throttle.UNKNOWN,
}
