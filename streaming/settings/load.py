"""Puts the settings together: defaults, files, running embedded services, environment."""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from streaming.errors import ConfigError
from streaming.settings import checks
from streaming.settings.draft import Draft
from streaming.settings.environment import cleaned
from streaming.settings.explain import explain
from streaming.settings.model import Settings
from streaming.settings.sources import (
    NAMED_VARIABLES,
    from_endpoints,
    from_environment,
    from_files,
    keys_or_simulator,
    language,
)


def load(config_dir: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings in force.

    Raises:
        ConfigError: with every problem of every file and variable.
    """
    settings, draft = read(config_dir, environ)
    if settings is None:
        raise ConfigError(draft.problems)
    return settings


def problems(config_dir: Path | None = None, environ: Mapping[str, str] | None = None) -> list[str]:
    """Everything that is wrong, a line each; empty if nothing is."""
    return read(config_dir, environ)[1].problems


def read(
    config_dir: Path | None = None, environ: Mapping[str, str] | None = None
) -> tuple[Settings | None, Draft]:
    """The settings, None if there are problems; and the draft, which knows what came from where."""
    environ = cleaned(os.environ if environ is None else environ)
    draft = Draft()
    from_files(draft, config_dir, environ)
    from_endpoints(draft, environ)
    from_environment(draft, environ)
    keys_or_simulator(draft, environ)
    language(draft, environ)
    settings = None
    try:
        settings = Settings.model_validate(draft.values)
    except ValidationError as exc:
        draft.problems += explain(exc, Settings, draft)
    checks.nothing_twice(draft)
    if settings is not None:
        checks.not_open_to_all(draft, settings)
        checks.kafka_can_be_reached(draft, settings)
    if settings is None or draft.problems:
        return None, draft
    overridden = (
        f"{draft.where(('kafka', *name.split('.')))}: kafka.{name}: {why}"
        for name, why in settings.kafka.overridden().items()
    )
    warnings = (*overridden, *checks.without_a_login(draft, settings))
    return settings.model_copy(update={"warnings": warnings}), draft


def folders(environ: Mapping[str, str] | None = None) -> Settings:
    """Every setting at its default but the folders: enough to stop what runs.

    A file that somebody broke meanwhile must not keep `trafficmon down` from its work.
    """
    environ = cleaned(os.environ if environ is None else environ)
    named = {place: environ.get(variable) for variable, place in NAMED_VARIABLES.items()}
    given = {place[0]: value for place, value in named.items() if len(place) == 1 and value}
    return Settings.model_validate(given)
