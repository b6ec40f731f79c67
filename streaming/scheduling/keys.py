"""The configured keys as the pool and the limits know them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from streaming.errors import ConfigError
from streaming.scheduling.budget import Budget, Pacing
from streaming.scheduling.key_pool import KeyPool
from streaming.scheduling.key_state import Cooldown, PoolKey
from streaming.settings import ApiKey, Settings


@dataclass(frozen=True, slots=True)
class Accounts:
    """Each key's account, and each account's budget."""

    of_key: Mapping[str, str]
    budgets: Mapping[str, Budget]


def enabled(settings: Settings) -> tuple[ApiKey, ...]:
    """The keys that may be used.

    Raises:
        ConfigError: there is none.
    """
    keys = tuple(key for key in settings.api_keys if key.enabled)
    if not keys:
        raise ConfigError("config/api_keys.yaml: api_keys has no enabled key; add one, or none "
                          "at all to use the simulator")  # fmt: skip
    return keys


def accounts_of(keys: Sequence[ApiKey]) -> Accounts:
    """Keys of one account share its limits; where they disagree, the smaller one holds."""
    of_key = {key.id: key.account or key.id for key in keys}
    budgets: dict[str, Budget] = {}
    for key in keys:
        own = Budget(key.qps_limit, key.rpm_limit, key.tpm_limit, key.in_flight_limit)
        shared = budgets.get(of_key[key.id])
        budgets[of_key[key.id]] = own if shared is None else own.shared_with(shared)
    return Accounts(of_key, budgets)


def pool_keys(keys: Sequence[ApiKey]) -> list[PoolKey]:
    """Weighted by what each may send."""
    return [PoolKey(k.id, weight=min(k.qps_limit, k.rpm_limit / 60)) for k in keys]


def pool_of(settings: Settings) -> KeyPool:
    """All enabled keys, resting as `scheduler` says."""
    scheduler = settings.scheduler
    return KeyPool(
        pool_keys(enabled(settings)),
        cooldown=Cooldown(
            adaptive=scheduler.adaptive_cooldown,
            fixed_s=scheduler.key_cooldown_seconds,
            min_s=scheduler.min_cooldown,
            max_s=scheduler.max_cooldown,
        ),
        strategy=scheduler.strategy,
    )


def pacing_of(settings: Settings) -> Pacing:
    """As `scheduler.pacing` says."""
    return Pacing(smooth=settings.scheduler.pacing == "smooth")
