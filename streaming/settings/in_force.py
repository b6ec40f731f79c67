"""Every setting as it is in force, and which file, line or variable says so."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError

from streaming.errors import ConfigError
from streaming.logs import MASK, mask_url
from streaming.settings.draft import DEFAULT, Draft, Place, spelled
from streaming.settings.explain import SECRET_NAMES, SECRET_SECTIONS
from streaming.settings.load import read
from streaming.settings.model import Settings
from streaming.settings.scalars import annotation_at, is_secret
from streaming.settings.sources import SIMULATED

_NOT_SET_BY_PEOPLE = frozenset({"simulated", "warnings"})
_MOST_ROUNDS = 100


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as it is shown, secrets masked.

    `source` is a file, a variable or `default`, `line` the file's; `written` is what stands there
    if it holds ${VARIABLES}; `plain` is the value for JSON; `problem` says what is wrong with it.
    """

    name: str
    value: str
    source: str
    line: int | None = field(default=None, compare=False)
    written: str | None = field(default=None, compare=False)
    plain: object = field(default=None, compare=False)
    problem: str | None = field(default=None, compare=False)

    @property
    def where(self) -> str:
        """`config/kafka.yaml:3`, with the variable that it names."""
        line = f":{self.line}" if self.line else ""
        return f"{self.source}{line}{f' {self.written}' if self.written else ''}"

    def as_dict(self) -> dict[str, object]:
        """The same for JSON."""
        shown = {"name": self.name, "value": self.plain, "source": self.source, "line": self.line}
        more = {"written": self.written, "problem": self.problem}
        return shown | {name: value for name, value in more.items() if value}


def in_force(
    config_dir: Path | None = None, environ: Mapping[str, str] | None = None
) -> tuple[Setting, ...]:
    """Every setting that is not at its default.

    Raises:
        ConfigError: with every problem of every file and variable.
    """
    found, problems = every_setting(config_dir, environ)
    if problems:
        raise ConfigError(problems)
    return tuple(
        s
        for s in found
        if s.source != DEFAULT and (s.source != SIMULATED or s.name == "provider.base_url")
    )


def every_setting(
    config_dir: Path | None = None, environ: Mapping[str, str] | None = None
) -> tuple[tuple[Setting, ...], list[str]]:
    """Every setting, and what is wrong.

    What is wrong stands as it was given, unless it may be a secret, with its problem beside it.
    """
    settings, draft = read(config_dir, environ)
    wrong: set[Place] = set()
    if settings is None:
        settings, wrong = _what_holds(draft.values)
    found = list(_rows(settings, Settings(), (), draft))
    found = [s for s in found if not any(_is_in(s.name, spelled(place)) for place in wrong)]
    for place in sorted(wrong, key=str):
        found += _as_given(_at(draft.values, place), place, draft)
    secrets = settings.secrets()
    return tuple(_without(secrets, s) for s in found), draft.problems


def _what_holds(given: Mapping[str, Any]) -> tuple[Settings, set[Place]]:
    """The settings without what is wrong, and the places of that; a list goes as a whole."""
    values, wrong = copy.deepcopy(dict(given)), set[Place]()
    for _ in range(_MOST_ROUNDS):
        try:
            return Settings.model_validate(values), wrong
        except ValidationError as exc:
            places = {_there(values, tuple(error["loc"])) for error in exc.errors()}
        for place in places:
            above = _at(values, place[:-1])
            if place and isinstance(above, dict) and above.pop(place[-1], None) is not None:
                wrong.add(place)
    return Settings(), wrong


def _there(values: Mapping[str, Any], place: Place) -> Place:
    """As much of the place as is there, up to the first list."""
    inside: Any = values
    for depth, part in enumerate(place):
        if not isinstance(inside, dict) or part not in inside:
            return place[:depth]
        inside = inside[part]
    return place


def _at(values: Any, place: Place) -> Any:
    for part in place:
        values = values[part]
    return values


def _rows(value: Any, default: Any, place: Place, draft: Draft) -> Iterator[Setting]:
    if isinstance(value, BaseModel):
        for name, known in type(value).model_fields.items():
            if place or name not in _NOT_SET_BY_PEOPLE:
                usual = getattr(default, name) if default else known.default
                yield from _rows(getattr(value, name), usual, (*place, name), draft)
    elif isinstance(value, tuple) and any(isinstance(item, BaseModel) for item in value):
        for index, item in enumerate(value):
            yield from _rows(item, None, (*place, index), draft)
    elif value == default:
        yield Setting(spelled(place), _text(value, place), DEFAULT, plain=_plain(value, place))
    else:
        yield _setting(value, place, draft)


def _setting(value: Any, place: Place, draft: Draft) -> Setting:
    name, source = spelled(place), draft.source(place)
    problem = next((p for p in draft.problems if f": {name} " in p), None)
    return Setting(
        name, _text(value, place), source, draft.line(source, place), draft.written.get(place),
        _plain(value, place), problem,
    )  # fmt: skip


def _as_given(value: Any, place: Place, draft: Draft) -> Iterator[Setting]:
    """What no setting could be made of."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _as_given(inner, (*place, name), draft)
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from _as_given(inner, (*place, index), draft)
    else:
        kind = annotation_at(Settings, place)
        may_be_secret = (
            is_secret(kind)
            or any(part in SECRET_NAMES for part in place)
            or (kind is None and place[0] in SECRET_SECTIONS)
            or (place[0] in SECRET_SECTIONS and isinstance(value, str) and len(place) > 1)
        )
        yield _setting(SecretStr("") if may_be_secret else value, place, draft)


def _plain(value: Any, place: Place) -> Any:
    """For JSON; secrets and passwords masked."""
    match value:
        case None | bool() | int() | float():
            return value
        case SecretStr():
            return MASK
        case dict():
            return MASK if place[-1] in SECRET_NAMES and value else value
        case tuple() | list():
            return [_plain(item, place) for item in value]
    return mask_url(str(value))


def _text(value: Any, place: Place) -> str:
    plain = _plain(value, place)
    match plain:
        case bool():
            return str(plain).lower()
        case None | "" | []:
            return "" if value == "" else "unset" if plain is None else "none"
        case dict():
            return ", ".join(f"{name}: {inner}" for name, inner in plain.items()) or "none"
        case list():
            return ", ".join(_text(item, place) for item in plain)
        case float():
            return f"{plain:g}"
    return str(plain)


def _without(secrets: tuple[str, ...], setting: Setting) -> Setting:
    found = [secret for secret in secrets if secret in f"{setting.value}{setting.plain}"]
    if not found:
        return setting
    return Setting(
        setting.name, MASK, setting.source, setting.line, setting.written, MASK, setting.problem
    )


def _is_in(name: str, section: str) -> bool:
    return name == section or name.startswith((f"{section}.", f"{section}["))
