"""What a scalar without quotes means: text as it was written, or a number as in YAML 1.2. Pure.

YAML 1.1 read `010` as 8, `12:30:45` as 45045 and `on` as true, so that a camera's id or a password
silently became another. A setting that wants text gets what is written, `1.10` too; any other gets
what YAML 1.2's core schema makes of it (https://yaml.org/spec/1.2.2/#103-core-schema).
"""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr

from streaming.settings.draft import Place

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_NOTHING = frozenset({"", "~"})
_BOOLEANS = {
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_WHOLE = (
    (re.compile("[-+]?[0-9]+"), 10),
    (re.compile("0o[0-7]+"), 8),
    (re.compile("0x[0-9a-fA-F]+"), 16),
)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_AS_TEXT = (str, SecretStr, Path, datetime, Any)
_LISTS = (tuple, list, set, frozenset)


class Plain(str):
    """A scalar that stood without quotes in YAML, or alone in a variable."""

    __slots__ = ()


def as_wanted(value: Any, annotation: Any) -> Any:
    """The value with each `Plain` in it as a setting of this type reads it."""
    if isinstance(value, Plain):
        return _scalar(value, annotation)
    if isinstance(value, dict):
        return {name: as_wanted(v, _named(annotation, name)) for name, v in value.items()}
    if isinstance(value, list):
        return [as_wanted(v, _item(annotation, index)) for index, v in enumerate(value)]
    return value


def annotation_at(model: type[BaseModel], place: Place) -> Any:
    """The type of the setting at a place; None if there is none."""
    annotation: Any = model
    for part in place:
        annotation = _item(annotation, part) if isinstance(part, int) else _named(annotation, part)
    return annotation


def is_secret(annotation: object) -> bool:
    """Whether no message may repeat what such a setting holds."""
    return any(kind is SecretStr for kind in _kinds(annotation, into_lists=True))


def holds_several(annotation: object) -> bool:
    """Whether it is a list or a mapping, which a variable writes as YAML does."""
    kinds = set(_kinds(annotation))
    return bool({*_LISTS, dict} & kinds) or any(_is_section(k) for k in kinds)


def _scalar(text: Plain, annotation: Any) -> Any:
    kinds = set(_kinds(annotation))
    if any(_is_section(kind) for kind in kinds):
        # A topic may be a name alone: its section takes the text.
        return None if text in _NULLS else text
    if kinds & set(_AS_TEXT):
        nothing = _NULLS if {type(None), Any} & kinds else _NOTHING
        return None if text in nothing else str(text)
    return _core(str(text))


def _core(text: str) -> Any:
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    try:
        for pattern, base in _WHOLE:
            if pattern.fullmatch(text):
                return int(text, base)
    except ValueError:  # more digits than Python reads
        return text
    if _FLOAT.fullmatch(text):
        return float(text)
    return float(text.replace(".", "")) if _SPECIAL.fullmatch(text) else text


def _kinds(annotation: Any, *, into_lists: bool = False) -> Iterator[Any]:
    """The types that an annotation allows; of a literal, those of its values."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _kinds(arguments[0], into_lists=into_lists)
    elif origin is Literal:
        yield from {type(value) for value in arguments}
    elif origin in {*_LISTS, dict} and not into_lists:
        yield origin
    elif arguments:
        for argument in arguments:
            yield from _kinds(argument, into_lists=into_lists)
    else:
        yield annotation


def _named(annotation: Any, name: str) -> Any:
    for kind in _members(annotation):
        if _is_section(kind) and name in kind.model_fields:
            return kind.model_fields[name].annotation
        if get_origin(kind) is dict:
            return get_args(kind)[1]
    return _inside(annotation)


def _item(annotation: Any, index: int) -> Any:
    for kind in _members(annotation):
        if get_origin(kind) in _LISTS:
            items = get_args(kind)
            if get_origin(kind) is not tuple or items[1:] == (Ellipsis,):
                return items[0]
            return items[index] if index < len(items) else None
    return _inside(annotation)


def _inside(annotation: Any) -> Any:
    """Where anything goes, so does anything in it."""
    return Any if Any in set(_members(annotation)) else None


def _members(annotation: Any) -> Iterator[Any]:
    """The types that a union names, or the one that it is."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _members(get_args(annotation)[0])
    elif origin in {*_LISTS, dict, Literal, None}:
        yield annotation
    else:
        for argument in get_args(annotation):
            yield from _members(argument)


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
