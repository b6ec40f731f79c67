"""pydantic's errors as one line each: file, key, what it must be, and the nearest known name."""

import difflib
import re
from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from streaming.logs import mask_url
from streaming.settings.draft import Draft, Place, spelled
from streaming.settings.scalars import Plain, annotation_at, is_secret

SECRET_SECTIONS = ("api_keys",)
SECRET_NAMES = frozenset(
    {
        "key",
        "token",
        "url",
        "base_url",
        "source",
        "config",
        "catalog",
        "data_path",
        "storage",
        "proxy",
        "password",
        "key_password",
    }
)
_MUST = {
    "greater_than_equal": "must be {ge} or more",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be {le} or less",
    "less_than": "must be less than {lt}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "finite_number": "must be a finite number",
    "string_too_short": "must have at least {min_length} characters",
    "too_short": "must have a length of {min_length} or more",
    "string_too_long": "must be at most {max_length} characters",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "path_type": "must be a path",
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping",
    "literal_error": "must be one of {expected}",
    "model_type": "must be a mapping of settings",
    "model_attributes_type": "must be a mapping of settings",
    "missing": "is missing",
}


def explain(exc: ValidationError, model: type[BaseModel], draft: Draft) -> list[str]:
    """One line a problem, none for what is on the draft's list already. No line holds a secret."""
    errors = [(tuple(error["loc"]), error) for error in exc.errors()]
    places = [place for place, _ in errors]
    lines = [
        _line(place, error, model, draft)
        for place, error in errors
        # A list whose items are wrong is also reported as too short: the items say it all.
        if not any(other[: len(place)] == place != other for other in places)
        if not any(place[: len(known)] == known for known in draft.broken)
    ]
    return list(dict.fromkeys(lines))


def _line(place: Place, error: Any, model: type[BaseModel], draft: Draft) -> str:
    start = f"{draft.where(place)}: {spelled((*place[:-1], _shown_name(place)))}"
    kind = error["type"]
    if kind == "extra_forbidden":
        return f"{start} is not a setting{_nearest(place, model)}"
    if kind == "missing":
        return f"{start} is missing"
    if kind == "value_error":
        must = str(error["ctx"]["error"])
        # A check over a whole section names its values itself.
        whole = isinstance(error["input"], dict | BaseModel)
        return f"{start} {must}{'' if whole else _got(place, error['input'], model, draft)}"
    if error.get("ctx", {}).get("min_length") == 1:
        return f"{start} must not be empty"
    bounds = {k: f"{v:g}" if isinstance(v, float) else v for k, v in error.get("ctx", {}).items()}
    must = _MUST[kind].format(**bounds) if kind in _MUST else _unforeseen(error["msg"])
    return f"{start} {must}{_got(place, error['input'], model, draft)}"


def _unforeseen(message: str) -> str:
    return f"is wrong: {message[:1].lower()}{message[1:]}"


def _got(place: Place, value: object, model: type[BaseModel], draft: Draft) -> str:
    """What was found instead; a text that may be a secret is not repeated."""
    written = next((t for p, t in draft.written.items() if place[: len(p)] == p), None)
    if written is not None:
        return f", got {written[:80]}"
    if any(part in SECRET_NAMES for part in place) or is_secret(annotation_at(model, place)):
        return ""
    match value:
        case None:
            said = "nothing"
        case bool():
            said = str(value).lower()
        case int() | float():
            said = str(value)[:40]
        case Plain() if place[0] not in SECRET_SECTIONS:
            said = mask_url(value)[:80]
        case str() if place[0] in SECRET_SECTIONS and not re.fullmatch(r"-?[\d.]{1,9}", value):
            said = ""
        case str():
            said = repr(mask_url(value)[:80]) if value else ""
        case list() | tuple():
            said = "a list"
        case _:
            said = "a mapping" if isinstance(value, dict) else ""
    return f", got {said}" if said else ""


def _shown_name(place: Place) -> str | int:
    """The last part of a place, unless it may be a key that slipped into the wrong column."""
    name = place[-1]
    secret = place[0] in SECRET_SECTIONS or "config" in place
    return "***" if secret and isinstance(name, str) and re.search(r"\d|.{40}", name) else name


def _nearest(place: Place, model: type[BaseModel]) -> str:
    """The name that was probably meant: near this one, or the same one elsewhere."""
    name, around = str(place[-1]), list(_model_at(model, place[:-1]).model_fields)
    elsewhere = [path for path in paths(model) if path.rsplit(".", 1)[-1] == name]
    if elsewhere:
        return f"; did you mean {elsewhere[0]}?"
    if close := difflib.get_close_matches(name, around, n=1, cutoff=0.5):
        return f"; did you mean {close[0]}?"
    return f"; there are {', '.join(around)}"


def paths(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """The name of every setting, with dots; [] where a list is."""
    for name, field in model.model_fields.items():
        inner = model_in(field.annotation)
        path = f"{above}{name}"
        if inner is None:
            yield path
        else:
            is_list = get_origin(field.annotation) is tuple
            yield from paths(inner, f"{path}[]." if is_list else f"{path}.")


def model_in(annotation: object) -> type[BaseModel] | None:
    """The section that a field holds, alone or in a list; None for a plain value."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((m for a in get_args(annotation) if (m := model_in(a))), None)


def _model_at(model: type[BaseModel], place: Place) -> type[BaseModel]:
    for part in place:
        if isinstance(part, str):
            model = model_in(model.model_fields[part].annotation) or model
    return model
