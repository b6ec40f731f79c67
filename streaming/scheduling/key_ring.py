"""The keys in use, which change while the scheduler runs."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence

from streaming import logs
from streaming.errors import ConfigError
from streaming.scheduling.key_pool import KeyPool
from streaming.scheduling.keys import accounts_of, enabled, pool_keys
from streaming.scheduling.limits import Limits
from streaming.settings import ApiKey, Settings

log = logging.getLogger(__name__)


class KeyRing:
    """Tells the pool and the limits which keys there are; `secrets` has each key by id."""

    def __init__(
        self, pool: KeyPool, limits: Limits, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._pool = pool
        self._limits = limits
        self._clock = clock
        self._keys: dict[str, ApiKey] = {}
        self._in_use: tuple[str, ...] = ()

    @property
    def secrets(self) -> Mapping[str, ApiKey]:
        """By id; a removed key stays, for the calls under way."""
        return self._keys

    def put(self, keys: Sequence[ApiKey]) -> None:
        """From now on these keys; one whose secret changed begins as a new one."""
        changed = [k.id for k in keys if k.id in self._keys and self._keys[k.id].key != k.key]
        self._pool.replace(pool_keys(keys))
        for key_id in changed:
            self._pool.renew(key_id, self._clock())
        accounts = accounts_of(keys)
        self._limits.configure(accounts.of_key, accounts.budgets)
        self._keys.update({key.id: key for key in keys})
        self._in_use = tuple(key.id for key in keys)

    def follow(self, settings: Settings) -> None:
        """Take over the keys of changed settings; without any, the old ones stay."""
        try:
            keys = enabled(settings)
        except ConfigError as exc:
            log.error("keys stay as they are: %s", exc)  # noqa: TRY400 - no bug, no traceback
            return
        logs.mask_also(settings.secrets())
        before = set(self._in_use)
        self.put(keys)
        now = set(self._in_use)
        log.info(
            "keys changed", extra={"added": sorted(now - before), "removed": sorted(before - now)}
        )
