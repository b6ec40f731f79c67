"""Every error that Trafficmon raises on purpose, as one tree.

Adapters translate what a library raises into one of these and keep the cause
(`raise … from exc`). The message is one line, names the setting to look at, and
says what to do. `exit_code` is what the `trafficmon` command ends with.
"""


class TrafficmonError(Exception):
    """Anything Trafficmon can explain to the person who runs it."""

    exit_code = 1


class ConfigError(TrafficmonError):
    """One or more settings are wrong; `problems` lists every one."""

    exit_code = 2

    def __init__(self, problems: str | list[str]) -> None:
        self.problems = [problems] if isinstance(problems, str) else problems
        super().__init__("\n".join(self.problems))


class ServiceError(TrafficmonError):
    """A service that Trafficmon needs is not there or cannot be started."""

    exit_code = 3


class PortInUse(ServiceError):
    """Something else listens on a port that a setting asks for."""

    def __init__(self, *, port: int, setting: str) -> None:
        super().__init__(f"port {port} ({setting}) is in use; stop what holds it or set another")


class KafkaUnreachable(ServiceError):
    """No broker answers at the configured address."""


class KafkaRefused(KafkaUnreachable):
    """A broker answers, and does not let us in, or not do what we must."""


class RedisUnreachable(ServiceError):
    """No Redis answers at the configured address."""


class DownloadFailed(ServiceError):
    """Something that the first start fetches could not be fetched."""


class DiskFull(ServiceError):
    """A folder that Trafficmon writes to has too little space left."""


class CameraError(TrafficmonError):
    """A camera cannot be opened, or stopped giving frames."""


class CameraEnded(CameraError):
    """A file or folder that is to be played once is over: opening it again is not wanted."""


class ModelError(TrafficmonError):
    """The detection model cannot be loaded or run."""


class LabelsError(TrafficmonError):
    """A folder of labelled pictures is not as YOLO tools write it."""

    exit_code = 2


class BadMessage(TrafficmonError):
    """Bytes on a topic that are not the message they should be."""


class ProviderError(TrafficmonError):
    """One call to the vision language model failed.

    `status` is HTTP's, where one came; `retry_after_s` how long the provider asks to wait.
    """

    retryable = True
    error_type = "provider"
    status: int | None = None
    retry_after_s: float | None = None


class ProviderUnavailable(ProviderError):
    """The provider cannot be reached, or answers 5xx."""

    error_type = "unavailable"


class ProviderUnreachable(ProviderUnavailable):
    """No connection to the provider, or one that broke."""


class Overloaded(ProviderUnavailable):
    """The provider says that it has no capacity just now, for anybody."""

    error_type = "overloaded"


class NoApi(ProviderUnavailable):
    """Something answers at the address, but no OpenAI-compatible API: a web page, a redirect."""


class ProviderTimeout(ProviderError):
    """The provider took too long; the message names the limit it met."""

    error_type = "timeout"


class NoFreeConnection(ProviderError):
    """The call never left: every connection was busy for `provider.pool_timeout_s`."""

    error_type = "no_connection"


class Throttled(ProviderError):
    """The provider refuses the call for now: `cause` says which limit was met."""

    error_type = "throttled"

    def __init__(self, message: str, *, cause: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.cause = cause
        self.retry_after_s = retry_after_s


class KeyRejected(ProviderError):
    """The provider does not accept the key (401, 403): another key may still serve."""

    error_type = "key_rejected"


class AccountExhausted(KeyRejected):
    """The key's account owes money, or what it paid for is used up."""


class BadAnswer(ProviderError):
    """The provider answered something that is not a verdict, even after one repair."""

    error_type = "bad_answer"


class CutShort(BadAnswer):
    """The answer ended at its limit of tokens, before its verdict did."""

    error_type = "cut_short"


class BadRequest(ProviderError):
    """The provider refuses the request itself (400, 413, 422): no key will make it pass."""

    retryable = False
    error_type = "bad_request"


class ModelMissing(BadRequest):
    """The provider does not know the model, or this account may not use it."""


class ModelRefused(BadRequest):
    """The key is good, but may not use this model; a key of another account may."""

    error_type = "model_refused"


class ContentRefused(BadRequest):
    """The provider or the model will not judge this picture or text; another model may."""

    error_type = "content_refused"


class ParameterRefused(BadRequest):
    """The model will not have a parameter of the request; it is asked without it from now on."""
