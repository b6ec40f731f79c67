"""The closed set of ways in which a call to a provider ends, and what each means for whom. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Outcome(StrEnum):
    """How a call ended. `ANSWERED` is the only one that can bring a verdict."""

    ANSWERED = "answered"
    THROTTLED_REQUESTS = "throttled_requests"
    THROTTLED_TOKENS = "throttled_tokens"
    THROTTLED_BURST = "throttled_burst"
    THROTTLED_CONCURRENCY = "throttled_concurrency"
    THROTTLED = "throttled"
    OWES_MONEY = "owes_money"
    KEY_REFUSED = "key_refused"
    MODEL_REFUSED = "model_refused"
    MODEL_MISSING = "model_missing"
    CONTENT_REFUSED = "content_refused"
    REQUEST_REFUSED = "request_refused"
    OVERLOADED = "overloaded"
    UNAVAILABLE = "unavailable"
    TIMED_OUT = "timed_out"
    CUT_SHORT = "cut_short"
    EMPTY = "empty"
    NOT_A_PROVIDER = "not_a_provider"


KeyFate = Literal["kept", "rests", "disabled", "left out for this model"]
TaskFate = Literal["judged", "another key", "another model", "again later", "asked once more"]


@dataclass(frozen=True, slots=True)
class Fate:
    """What an outcome does to the key and to the task; every way ends after a bounded number."""

    key: KeyFate
    task: TaskFate
    meaning: str


FATES: dict[Outcome, Fate] = {
    Outcome.ANSWERED: Fate("kept", "judged", "the model answered"),
    Outcome.THROTTLED_REQUESTS: Fate("rests", "another key", "too many requests"),
    Outcome.THROTTLED_TOKENS: Fate("rests", "another key", "too many tokens"),
    Outcome.THROTTLED_BURST: Fate("rests", "another key", "requests rose too quickly"),
    Outcome.THROTTLED_CONCURRENCY: Fate("rests", "another key", "too many calls at once"),
    Outcome.THROTTLED: Fate("rests", "another key", "a limit that is not named"),
    Outcome.OWES_MONEY: Fate("disabled", "another key", "its account has no credit or quota left"),
    Outcome.KEY_REFUSED: Fate("disabled", "another key", "the key is not accepted"),
    Outcome.MODEL_REFUSED: Fate(
        "left out for this model", "another key", "the key may not use this model"
    ),
    Outcome.MODEL_MISSING: Fate("kept", "another model", "there is no such model"),
    Outcome.CONTENT_REFUSED: Fate("kept", "another model", "picture or text is refused"),
    Outcome.REQUEST_REFUSED: Fate("kept", "another model", "the request is not understood"),
    Outcome.OVERLOADED: Fate("rests", "again later", "the provider has no capacity just now"),
    Outcome.UNAVAILABLE: Fate("rests", "again later", "the provider failed"),
    Outcome.TIMED_OUT: Fate("rests", "again later", "the provider gave up waiting"),
    Outcome.CUT_SHORT: Fate("kept", "asked once more", "the answer ended at its limit of tokens"),
    Outcome.EMPTY: Fate("kept", "asked once more", "no text, or no verdict in it"),
    Outcome.NOT_A_PROVIDER: Fate("rests", "again later", "no OpenAI-compatible API answers there"),
}
"""A key that "rests" does so for a second after one failure, longer where most fail."""
