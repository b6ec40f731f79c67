"""What is set to something else than its default, and by which file or variable."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from streaming.errors import ConfigError
from streaming.logs import MASK, mask_url
from streaming.settings.draft import Draft, Place, spelled
from streaming.settings.load import read
from streaming.settings.model import Settings
from streaming.settings.sources import SIMULATED


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as it is shown: secrets masked; `source` is a file or a variable."""

    name: str
    value: str
    source: str


def in_force(
    config_dir: Path | None = None, environ: Mapping[str, str] | None = None
) -> tuple[Setting, ...]:
    """Every setting that is not at its default.

    Raises:
        ConfigError: with every problem of every file and variable.
    """
    settings, draft = read(config_dir, environ)
    if settings is None:
        raise ConfigError(draft.problems)
    found = _changed(settings, Settings(), (), draft)
    return tuple(s for s in found if s.source != SIMULATED or s.name == "provider.base_url")


def _changed(value: Any, default: Any, place: Place, draft: Draft) -> Iterator[Setting]:
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            inner = getattr(default, name, None)
            yield from _changed(getattr(value, name), inner, (*place, name), draft)
    elif isinstance(value, tuple) and any(isinstance(item, BaseModel) for item in value):
        for index, item in enumerate(value):
            yield from _changed(item, None, (*place, index), draft)
    elif draft.sets(place) and value != default:
        yield Setting(spelled(place), _shown(value), draft.source(place))


def _shown(value: object) -> str:
    if isinstance(value, SecretStr | dict):
        return MASK
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(map(_shown, value))
    return mask_url(str(value))
