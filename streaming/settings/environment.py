"""Environment variables as people meant them. Pure.

A shell takes quotes away before anybody sees them; `docker run --env-file`, a systemd unit or a
Kubernetes manifest may leave them, and an .env file saved on Windows brings line ends and a mark
of its encoding, which sticks to the first name.
"""

from collections.abc import Mapping
from typing import Literal

SHELL_WORDS = frozenset({"CAMERAS"})
"""Variables whose quotes are their own: they keep the words apart."""

_LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")
"""By their weight, as POSIX has it."""
_MARK = "\ufeff"


def cleaned(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables without what surrounds their values; an empty one counts as unset."""
    found = {
        name.strip(_MARK): text.strip(f"{_MARK} \t\r\n") if name in SHELL_WORDS else unquoted(text)
        for name, text in environ.items()
    }
    return {name: text for name, text in found.items() if text}


def unquoted(text: str) -> str:
    """The text without blanks and line ends around it, and without one pair of quotes."""
    text = text.strip(_MARK).strip()
    if len(text) > 1 and text[0] in "\"'" and text[0] == text[-1] and text[0] not in text[1:-1]:
        return text[1:-1].strip()
    return text


def language_of(environ: Mapping[str, str]) -> tuple[Literal["zh", "en"], str] | None:
    """`zh` or `en`, and the variable that says so; None where the locale is unset, C or POSIX.

    Whoever reads neither is served better by English.
    """
    variable = next((name for name in _LOCALE if environ.get(name)), None)
    if variable is None:
        return None
    language = environ[variable].partition(".")[0].partition("_")[0].lower()
    if language in {"c", "posix"}:
        return None
    return ("zh" if language == "zh" else "en"), variable
