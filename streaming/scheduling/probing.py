"""Disabled keys are tried again after a while, with the cheapest call there is."""

import asyncio
import logging
import time
from collections.abc import Mapping

from streaming.scheduling.key_pool import KeyPool
from streaming.scheduling.keys_verify import check
from streaming.scheduling.provider import Provider
from streaming.scheduling.turnstile import Turnstile
from streaming.settings import ApiKey

log = logging.getLogger(__name__)


class Prober:
    """Tries the keys whose time has come; they are used again when the provider takes them."""

    def __init__(
        self,
        pool: KeyPool,
        turnstile: Turnstile,
        provider: Provider,
        keys: Mapping[str, ApiKey],
        model: str,
    ) -> None:
        self._pool = pool
        self._turnstile = turnstile
        self._provider = provider
        self._keys = keys
        self._model = model
        self._probes: set[asyncio.Task[None]] = set()

    def begin_due(self) -> None:
        """Start what is due; returns at once."""
        for key_id in self._pool.due_probes(time.monotonic()):
            probe = asyncio.create_task(self._probe(self._keys[key_id]))
            self._probes.add(probe)
            probe.add_done_callback(self._probes.discard)

    async def _probe(self, key: ApiKey) -> None:
        error = await check(self._provider, key, self._model)
        self._pool.probed(key.id, error, time.monotonic())
        self._turnstile.keys_changed()
        log.info("disabled key tried", extra={"key_id": key.id, "error": str(error or "")})
