"""What all settings share: frozen, no unknown keys, bounds and a description on every field."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo, field_validator

from streaming.logs import mask_url


class Section(BaseModel):
    """A block of settings. An unknown key in it is an error, not a silence."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        allow_inf_nan=False,
        str_strip_whitespace=True,
    )

    @field_validator("*", mode="before")
    @classmethod
    def _yes_is_no_number(cls, value: object, info: ValidationInfo) -> object:
        # pydantic reads true as 1.
        field = cls.model_fields[info.field_name or ""]
        kinds = {field.annotation, *get_args(field.annotation)}
        if isinstance(value, bool) and kinds & {int, float} and bool not in kinds:
            raise ValueError("must be a number")
        return value

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, mask_url(value) if isinstance(value, str) else value


def _readable(path: Path) -> Path:
    path = path.expanduser()
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as exc:
        raise ValueError(f"must be a file that can be read ({exc.strerror})") from None
    return path


ReadableFile = Annotated[Path, AfterValidator(_readable)]


def matching(pattern: str, must: str) -> AfterValidator:
    """A text that matches the whole pattern; if not, the error says that it `must` …"""
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(f"must {must}")
        return text

    return AfterValidator(check)
