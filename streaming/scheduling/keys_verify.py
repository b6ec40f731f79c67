"""Whether each key works, asked of the provider itself with the cheapest call there is."""

import asyncio
import time
from collections import defaultdict
from dataclasses import dataclass

from streaming.errors import ParameterRefused, ProviderError
from streaming.scheduling.chat import CHEAPEST, cheapest_request
from streaming.scheduling.falling_together import falling_together
from streaming.scheduling.key_accounts import with_accounts, with_limits
from streaming.scheduling.key_check import KeyCheck, Signs, checked, signs_in
from streaming.scheduling.provider import Call, Provider
from streaming.settings import ApiKey, Settings

__all__ = ["KeyCheck", "check", "verify"]

_TIMEOUT_S = 10.0
_MAX_AT_ONCE = 20
_MOST_COMPARED = 30


@dataclass(frozen=True, slots=True)
class _Found:
    check: KeyCheck
    signs: Signs


def verify(settings: Settings) -> tuple[KeyCheck, ...]:
    """Check every enabled key, in parallel and without retries; not from a running event loop."""
    return asyncio.run(_verify(settings))


async def check(provider: Provider, key: ApiKey, model: str) -> ProviderError | None:
    """What is wrong with one key, or None."""
    try:
        await _signs(provider, key, model)
    except ProviderError as exc:
        return exc
    return None


async def _verify(settings: Settings) -> tuple[KeyCheck, ...]:
    keys = {key.id: key for key in settings.api_keys if key.enabled}
    model = settings.provider.model
    at_once = asyncio.Semaphore(_MAX_AT_ONCE)
    async with Provider(settings.provider, max_connections=_MAX_AT_ONCE) as provider:

        async def look(key: ApiKey) -> _Found:
            async with at_once:
                return await _look(provider, key, model)

        found = dict(zip(keys, await asyncio.gather(*map(look, keys.values())), strict=True))

        async def ask(key_id: str) -> int | None:
            try:
                return (await _signs(provider, keys[key_id], model)).remaining
            except ProviderError:
                return None

        falling: dict[str, int] = {}
        for group in _comparable({key_id: f.signs for key_id, f in found.items()}):
            told = await falling_together(group, ask)
            highest = max(falling.values(), default=0)
            falling |= {k: n + highest if n > 0 else n for k, n in told.items()}
    organizations = {k: f.signs.organization for k, f in found.items() if f.signs.organization}
    checks = [with_limits(f.check, keys[k], f.signs) for k, f in found.items()]
    return with_accounts(checks, organizations, falling)


async def _look(provider: Provider, key: ApiKey, model: str) -> _Found:
    begun = time.perf_counter()
    error, signs = None, Signs()
    try:
        signs = await _signs(provider, key, model)
    except ProviderError as exc:
        error = exc
    latency_ms = round((time.perf_counter() - begun) * 1000, 1)
    return _Found(checked(key, error, latency_ms, model), signs)


async def _signs(provider: Provider, key: ApiKey, model: str) -> Signs:
    call = Call(cheapest_request(model), _TIMEOUT_S, "key-check", model=model, parameters=CHEAPEST)
    try:
        _, response = await provider.exchange(key, call)
    except ParameterRefused:
        _, response = await provider.exchange(key, call)
    return signs_in(response.headers, key.key.get_secret_value())


def _comparable(signs: dict[str, Signs]) -> list[dict[str, int]]:
    """Keys that may share an account: what is left of each, where no name says whose it is."""
    groups: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for key_id, sign in signs.items():
        if sign.organization is None and sign.remaining is not None and sign.requests_limit:
            groups[sign.requests_limit][key_id] = sign.remaining
    return [group for group in groups.values() if 2 <= len(group) <= _MOST_COMPARED]
