"""config/api_keys.yaml: the keys, how they are scheduled, the provider, the prompt."""

from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    JsonValue,
    SecretStr,
    model_validator,
)

from streaming.settings.base import ReadableFile, Section, matching
from streaming.settings.server_addresses import BaseAddress, ProxyAddress
from streaming.settings.vendors import DASHSCOPE_BASE_URL, PRESETS, Vendor, vendor_of


def _fit_for_a_header(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be a key: letters, digits and signs, without spaces or line breaks")
    return secret


def _printable(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if not text.isascii() or not text.isprintable():
        raise ValueError("must be printable ASCII on one line")
    return secret


Secret = Annotated[SecretStr, AfterValidator(_fit_for_a_header)]
KeyId = Annotated[str, matching(r"[A-Za-z0-9._-]{1,64}", "be 1 to 64 letters, digits and . _ -")]


ModelName = Annotated[str, matching(r"\S+", "be a name without spaces")]
HeaderName = Annotated[str, matching(r"[A-Za-z0-9-]{1,64}", "be a header's name")]
HeaderValue = Annotated[SecretStr, AfterValidator(_printable)]
_OURS = frozenset({"messages", "model", "response_format", "stream", "n", "tools"})


def _ours_alone(parameters: dict[str, JsonValue]) -> dict[str, JsonValue]:
    if found := _OURS & parameters.keys():
        raise ValueError(f"must leave {', '.join(sorted(found))} to Trafficmon")
    return parameters


_SWITCH = BeforeValidator(lambda v: {"true": "on", "false": "off"}.get(str(v).lower(), v))


class ApiKey(Section):
    """One key of the provider. Keys of one `account` share its limits."""

    id: KeyId = Field("", description="Shown instead of the key; left out, `key_1`, `key_2`, …")
    key: Secret = Field(description="The secret itself, or `${A_VARIABLE}`")
    qps_limit: float = Field(10, gt=0, le=10_000, description="Most requests in any second")
    rpm_limit: int = Field(300, ge=1, le=1_000_000, description="Most requests in any minute")
    tpm_limit: int | None = Field(None, ge=1, description="Most tokens in any minute")
    in_flight_limit: int | None = Field(None, ge=1, description="Most requests under way at once")
    account: str | None = Field(
        None, min_length=1, description="Keys of one account share its limits"
    )
    enabled: bool = Field(True, description="Whether it is used")


class SchedulerSettings(Section):
    """How tasks become calls."""

    max_concurrent_tasks: int = Field(50, ge=1, le=10_000, description="Most calls under way")
    key_cooldown_seconds: float = Field(
        60, ge=0, le=3600, description="Rest of a key after repeated refusals, s"
    )
    retry_max_attempts: int = Field(2, ge=0, le=10, description="Further attempts after the first")
    timeout_seconds: float = Field(35, gt=0, le=600, description="Longest call, s")
    adaptive_cooldown: bool = Field(True, description="Cooldown follows the recent failure rate")
    min_cooldown: float = Field(10, ge=0, le=3600, description="Shortest cooldown, s")
    max_cooldown: float = Field(120, ge=0, le=86_400, description="Longest cooldown, s")
    task_timeout_seconds: float = Field(
        40, gt=0, le=3600, description="Longest time for a task with its retries, and to drain, s"
    )
    queue_size: int = Field(500, ge=1, le=100_000, description="Most tasks fetched and waiting")
    strategy: Literal["least_loaded", "round_robin", "weighted"] = Field(
        "least_loaded", description="Which key is taken next"
    )
    pacing: Literal["smooth", "burst"] = Field(
        "smooth", description="smooth spreads calls evenly, burst sends a second's share at once"
    )
    hedge_share: float = Field(
        0.03,
        ge=0,
        le=0.5,
        description="Most second calls, of all calls, for those that take longer than the "
        "model's P99; 0: none",
    )
    task_deadline_s: float = Field(
        30, gt=0, le=3600, description="Age at which a waiting task expires, s"
    )

    @model_validator(mode="after")
    def _cooldowns_in_order(self) -> "SchedulerSettings":
        if self.min_cooldown > self.max_cooldown:
            raise ValueError(
                f"must have min_cooldown ({self.min_cooldown:g}) no longer than "
                f"max_cooldown ({self.max_cooldown:g})"
            )
        return self


class ProviderSettings(Section):
    """The vision language model's endpoint, OpenAI-compatible."""

    base_url: BaseAddress = Field(
        DASHSCOPE_BASE_URL, description="OpenAI-compatible, up to and without /chat"
    )
    ca_file: ReadableFile | None = Field(
        None, description="Certificates (PEM) of who signs its own; unset: this machine's"
    )
    proxy: ProxyAddress | None = Field(
        None,
        description="http://user:password@host:port by which it is reached, or none; "
        "unset: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY",
    )
    preset: Literal[
        "auto", "dashscope", "openai", "azure", "openrouter", "deepseek", "zhipu", "moonshot",
        "vllm", "ollama", "other",
    ] = Field("auto", description="Whose API it is; auto: by the host of base_url")  # fmt: skip
    model: ModelName = Field("qwen-vl-plus", description="Model asked first")
    fallback_models: tuple[ModelName, ...] = Field(
        (), description="Asked in order when it is refused"
    )
    max_tokens: int = Field(500, ge=16, le=32_768, description="Longest answer, tokens")
    temperature: float = Field(0.1, ge=0, le=2, description="Randomness of the answer")
    json_mode: Annotated[Literal["auto", "object", "schema", "on", "off"], _SWITCH] = Field(
        "auto",
        description="Ask for JSON by `response_format`; auto: an object, of models that take it; "
        "schema: by JSON schema; on is object",
    )
    parameters: Annotated[dict[str, JsonValue], AfterValidator(_ours_alone)] = Field(
        {}, max_length=50, description="Further parameters of a request; null leaves one out"
    )
    headers: dict[HeaderName, HeaderValue] = Field(
        {}, max_length=20, description="Further headers of a request"
    )
    connect_timeout_s: float = Field(5, gt=0, le=60, description="Longest connect, s")
    write_timeout_s: float = Field(
        10, gt=0, le=600, description="Longest time in which nothing of a request is taken, s"
    )
    read_timeout_s: float | None = Field(
        None,
        gt=0,
        le=600,
        description="Longest silence before and within an answer, s; unset: timeout_seconds",
    )
    pool_timeout_s: float = Field(
        5, gt=0, le=600, description="Longest wait for a free connection, s"
    )
    price_per_1k_prompt_tokens: float = Field(0.0, ge=0, description="Price in price_currency")
    price_per_1k_completion_tokens: float = Field(0.0, ge=0, description="Price in price_currency")
    price_currency: str = Field("CNY", description="Currency of the prices")
    max_answer_bytes: int = Field(
        1_000_000, ge=1000, le=100_000_000, description="Longest answer read, bytes"
    )

    @property
    def vendor(self) -> Vendor:
        """Whose API it is."""
        return vendor_of(self.base_url) if self.preset == "auto" else Vendor(self.preset)

    @model_validator(mode="before")
    @classmethod
    def _at_the_presets_address(cls, value: object) -> object:
        """A preset brings its address, unless one is given."""
        if not isinstance(value, dict) or value.get("base_url") is not None:
            return value
        known = {vendor.value: preset.base_url for vendor, preset in PRESETS.items()}
        name = value.get("preset")
        address = known.get(name) if isinstance(name, str) else None
        return value | {"base_url": address} if address else value

    @model_validator(mode="after")
    def _address_known(self) -> "ProviderSettings":
        own = self.preset in {"azure", "other"} and "base_url" not in self.model_fields_set
        if own:
            raise ValueError(f"must have base_url: preset {self.preset} has no address of its own")
        return self


class MinConfidence(Section):
    """The least confidence for each level; below it the next lower level counts."""

    low: float = Field(0.45, ge=0, le=1, description="For low")
    medium: float = Field(0.65, ge=0, le=1, description="For medium")
    high: float = Field(0.80, ge=0, le=1, description="For high")

    @model_validator(mode="after")
    def _rising(self) -> "MinConfidence":
        if not self.low <= self.medium <= self.high:
            raise ValueError("must rise from low to medium to high")
        return self


class PromptSettings(Section):
    """What the model is asked."""

    language: Literal["auto", "zh", "en"] = Field(
        "auto",
        description="Language of descriptions; auto: of LC_ALL, LC_MESSAGES or LANG, and zh where"
        " these name none",
    )
    min_confidence: MinConfidence = Field(MinConfidence(), description="Thresholds by level")

    @property
    def spoken(self) -> Literal["zh", "en"]:
        """The language of the descriptions, also where no variable names one."""
        return "en" if self.language == "en" else "zh"
