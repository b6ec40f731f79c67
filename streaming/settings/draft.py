"""Settings while they are put together: raw values, where each came from, and what is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Place = tuple[str | int, ...]
"""Where a value stands: ("api_keys", 0, "rpm_limit")."""

DEFAULT = "default"


@dataclass(slots=True)
class Draft:
    """Later values replace earlier ones; each knows its file or variable."""

    values: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    written: dict[Place, str] = field(default_factory=dict)
    """Texts that held ${VARIABLES}, as they stand in the file: an error shows these."""
    broken: set[Place] = field(default_factory=set)
    """Places whose problem is listed already."""
    lines: dict[Place, tuple[str, int]] = field(default_factory=dict)
    """File and line (from 1) of whatever stands in a file."""
    _sources: dict[Place, str] = field(default_factory=dict)

    def put(self, place: Place, value: object, source: str) -> None:
        """Set a value, with the mappings above it; `source` is a file or a variable."""
        inside = self.values
        for depth, part in enumerate(place[:-1], 1):
            above = inside.get(str(part))
            inside[str(part)] = dict(above) if isinstance(above, dict) else {}
            inside = inside[str(part)]
            self._sources.setdefault(place[:depth], source)
        inside[str(place[-1])] = value
        self._remember(place, value, source)

    def get(self, place: Place) -> Any:
        """The value, or None."""
        current: Any = self.values
        for part in place:
            if not isinstance(current, dict):
                return None
            current = current.get(part)
        return current

    def source(self, place: Place) -> str:
        """The file or variable that set the value, or set what it stands in; else `default`."""
        for depth in range(len(place), 0, -1):
            if place[:depth] in self._sources:
                return self._sources[place[:depth]]
        return DEFAULT

    def where(self, place: Place) -> str:
        """The same, with the line if it is a file."""
        return self.at(self.source(place), place)

    def at(self, file: str, place: Place) -> str:
        """`file:line` of the value, or of what it stands in; the file alone if no line is known."""
        line = self.line(file, place)
        return f"{file}:{line}" if line else file

    def line(self, file: str, place: Place) -> int | None:
        """The line of a file (from 1) that has the value, or what it stands in."""
        for depth in range(len(place), 0, -1):
            known, line = self.lines.get(place[:depth], ("", 0))
            if known == file:
                return line
        return None

    def sets(self, place: Place) -> bool:
        """Whether exactly this was set, not only something around it."""
        return place in self._sources

    def problem(self, place: Place, text: str) -> None:
        """One more thing that is wrong, said with the source and the name of the setting."""
        self.problems.append(f"{self.where(place)}: {spelled(place)} {text}")
        self.broken.add(place)

    def _remember(self, place: Place, value: object, source: str) -> None:
        self._sources[place] = source
        if isinstance(value, Mapping):
            for name, inner in value.items():
                self._remember((*place, str(name)), inner, source)
        elif isinstance(value, list | tuple):
            for index, inner in enumerate(value):
                self._remember((*place, index), inner, source)


def spelled(place: Place) -> str:
    """The place as people write it: api_keys[0].rpm_limit."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
