"""Whether each key works, asked of the provider itself with the cheapest call there is."""

import asyncio
import time
from dataclasses import asdict, dataclass
from typing import Any

from streaming.errors import ProviderError, Throttled
from streaming.scheduling.chat import cheapest_request
from streaming.scheduling.provider import Call, Provider
from streaming.settings import ApiKey, Settings

_TIMEOUT_S = 10.0
_MAX_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class KeyCheck:
    """One key's check. `error` says what is wrong and what to do; `latency_ms` of the call."""

    key_id: str
    valid: bool
    latency_ms: float | None
    error: str | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON; the key itself is not in it."""
        return asdict(self)


def verify(settings: Settings) -> tuple[KeyCheck, ...]:
    """Check every enabled key, in parallel and without retries; not from a running event loop."""
    return asyncio.run(_verify(settings))


async def check(provider: Provider, key: ApiKey, model: str) -> ProviderError | None:
    """What is wrong with one key, or None."""
    try:
        await provider.ask(key, Call(cheapest_request(model), _TIMEOUT_S, task_id="key-check"))
    except ProviderError as exc:
        return exc
    return None


async def _verify(settings: Settings) -> tuple[KeyCheck, ...]:
    keys = [key for key in settings.api_keys if key.enabled]
    async with Provider(settings.provider, max_connections=_MAX_AT_ONCE) as provider:
        checks = (_timed_check(provider, key, settings.provider.model) for key in keys)
        return tuple(await asyncio.gather(*checks))


async def _timed_check(provider: Provider, key: ApiKey, model: str) -> KeyCheck:
    begun = time.perf_counter()
    error = await check(provider, key, model)
    latency_ms = round((time.perf_counter() - begun) * 1000, 1)
    # A 429 is an answer to a key that the provider knows.
    valid = error is None or isinstance(error, Throttled)
    return KeyCheck(key.id, valid, latency_ms, None if error is None else str(error))
