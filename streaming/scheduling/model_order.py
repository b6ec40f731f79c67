"""Which model is asked next: in the order of the settings, without those that are missing. Pure."""

from collections.abc import Collection
from dataclasses import dataclass, field

_SKIPPED_S = 300.0
"""How long a model that the provider does not know is not asked: every task would pay a call."""


@dataclass(slots=True)
class ModelOrder:
    """`provider.model` and its fallbacks. Times in seconds of one monotonic clock."""

    models: tuple[str, ...]
    _missing_until: dict[str, float] = field(default_factory=dict)
    _refused_until: dict[str, dict[str, float]] = field(default_factory=dict)

    def first(self, now: float) -> str:
        """The first model not known to be missing; of all missing ones, the one to retry first."""
        found = self._next(self.models, now)
        return found or min(self.models, key=self._missing_until.__getitem__)

    def after(self, model: str, now: float) -> str | None:
        """The one to ask when `model` refuses a request, or None."""
        return self._next(self.models[self.models.index(model) + 1 :], now)

    def missing(self, model: str, now: float) -> None:
        """The provider does not know this model: leave it out for a while."""
        self._missing_until[model] = now + _SKIPPED_S

    def refused(self, model: str, key_id: str, keys: Collection[str], now: float) -> None:
        """This key may not use the model: leave the pair out for a while.

        With every one of `keys` refused, the model is as good as missing.
        """
        self._refused_until.setdefault(model, {})[key_id] = now + _SKIPPED_S
        if self.refusing(model, now).issuperset(keys):
            self.missing(model, now)

    def refusing(self, model: str, now: float) -> frozenset[str]:
        """Keys that may not use this model, as far as is known."""
        refused = self._refused_until.get(model)
        if not refused:
            return frozenset()
        return frozenset(key_id for key_id, until in refused.items() if until > now)

    def _next(self, models: tuple[str, ...], now: float) -> str | None:
        return next((m for m in models if self._missing_until.get(m, now) <= now), None)
