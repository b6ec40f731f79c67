"""What can be made to go wrong with the simulated provider, also while it runs. Pure."""

import random
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from streaming.scheduling.outcomes import Outcome
from streaming.settings import SimulatorSettings
from streaming.settings.vendors import Vendor


def _not_answered(outcome: Outcome) -> Outcome:
    if outcome is Outcome.ANSWERED:
        raise ValueError("must be an outcome other than answered")
    return outcome


NotAnswered = Annotated[Outcome, AfterValidator(_not_answered)]
Share = Annotated[float, Field(ge=0, le=1)]
Fault = Literal["error", "hang", "malformed", "slow"]


class Faults(BaseModel):
    """What goes wrong, and what answers tell about their account.

    The body of POST /faults: what is left out stays as it is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    error_rate: float = Field(0.0, ge=0, le=1, description="answers 500")
    hang_rate: float = Field(0.0, ge=0, le=1, description="never answers")
    malformed_rate: float = Field(0.0, ge=0, le=1, description="content that is no verdict")
    slow_rate: float = Field(0.0, ge=0, le=1, description="the body comes a byte at a time")
    added_latency_s: float = Field(0.0, ge=0, le=600, description="every answer comes later by it")
    preset: Vendor = Field(Vendor.DASHSCOPE, description="whose words and codes errors have")
    outcomes: dict[NotAnswered, Share] = Field(
        {}, description="shares of calls that end so, by the outcome's name"
    )
    key_outcomes: dict[str, NotAnswered] = Field(
        {}, description="how every call of these keys ends, by the outcome's name"
    )
    dead_keys: tuple[str, ...] = Field((), description="ids of keys that get 401")
    forbidden_keys: tuple[str, ...] = Field((), description="ids of keys that get 403")
    arrears_keys: tuple[str, ...] = Field((), description="ids of keys whose account owes money")
    echo_keys: bool = Field(False, description="a 401 repeats the key it was given")
    unknown_models: tuple[str, ...] = Field((), description="models that get 404")
    no_json_mode: bool = Field(False, description="response_format gets 400")
    content: str | None = Field(None, description="every answer says this")
    empty: bool = Field(False, description="every answer is empty")
    limit_headers: bool = Field(False, description="answers tell the account's requests left")
    organization_header: bool = Field(False, description="answers tell the account's name")
    html: bool = Field(False, description="every answer is a web page")
    huge: bool = Field(False, description="every answer is 11 MB long")
    down: bool = Field(False, description="every connection is closed without an answer")

    @classmethod
    def from_settings(cls, settings: SimulatorSettings) -> "Faults":
        """What `simulator` in serving.yaml asks for."""
        return cls(
            error_rate=settings.error_rate,
            hang_rate=settings.hang_rate,
            malformed_rate=settings.malformed_rate,
            slow_rate=settings.slow_rate,
            preset=Vendor(settings.preset),
            outcomes={Outcome(name): share for name, share in settings.outcomes.items()},
            key_outcomes={k: Outcome(name) for k, name in settings.key_outcomes.items()},
            dead_keys=tuple(settings.dead_keys),
        )

    def draw(self, rng: random.Random) -> Fault | None:
        """What goes wrong with the next call."""
        at = rng.random()
        shares: tuple[tuple[Fault, float], ...] = (
            ("error", self.error_rate),
            ("hang", self.hang_rate),
            ("malformed", self.malformed_rate),
            ("slow", self.slow_rate),
        )
        for fault, share in shares:
            if at < share:
                return fault
            at -= share
        return None

    def outcome(self, key_id: str, rng: random.Random) -> Outcome | None:
        """How the next call of this key ends, if it is not to be answered."""
        if key_id in self.key_outcomes:
            return self.key_outcomes[key_id]
        if not self.outcomes:
            return None
        at = rng.random()
        for outcome, share in self.outcomes.items():
            if at < share:
                return outcome
            at -= share
        return None
