"""Reads one YAML file and fills in ${VARIABLES}; collects what is wrong instead of stopping."""

import re
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import yaml

from streaming.settings.draft import Draft, Place, spelled

_VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}")


class _Loader(yaml.SafeLoader):
    """SafeLoader that notices a name used twice in one mapping; YAML itself keeps the last."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.twice: list[tuple[str, int]] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                self.twice.append((str(key.value), key.start_mark.line + 1))
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else None)
        return super().construct_mapping(node, deep)


def read(path: Path, problems: list[str]) -> dict[str, Any]:
    """The file's mapping; empty if there is no such file or it is empty."""
    try:
        loader = _Loader(path.read_text(encoding="utf-8-sig"))
        parsed = loader.get_single_data()
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError:
        problems.append(f"{path}: not UTF-8 text")
        return {}
    except OSError as exc:
        problems.append(f"{path}: cannot be read: {exc.strerror or exc}")
        return {}
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        problems.append(f"{path}{_line(exc)}: not YAML: {_reason(exc)}")
        return {}
    problems += [f"{path}:{line}: {name} is there twice" for name, line in loader.twice]
    if parsed is not None and not isinstance(parsed, dict):
        problems.append(f"{path}: must hold settings as `name: value`, got a {_kind(parsed)}")
        return {}
    return {str(name): value for name, value in (parsed or {}).items()}


def fill(draft: Draft, place: Place, value: object, environ: Mapping[str, str], file: str) -> Any:
    """The value with its ${VARIABLES} replaced, at any depth, by what `environ` has.

    A value that is replaced is text; the setting's own type makes a number of it.
    """
    if isinstance(value, dict):
        return {
            str(name): fill(draft, (*place, str(name)), inner, environ, file)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [fill(draft, (*place, i), inner, environ, file) for i, inner in enumerate(value)]
    if not isinstance(value, str) or "${" not in value:
        return value

    def text_of(match: re.Match[str]) -> str:
        name, default = match["name"], match["default"]
        found = environ.get(name)
        # As in a shell, ${NAME:-default} also replaces an empty variable.
        if found is not None and (found or default is None):
            return found
        if default is None:
            draft.broken.add(place)
            draft.problems.append(
                f"{file}: {spelled(place)} needs the environment variable {name}, which is not set"
            )
        return default or ""

    draft.written[place] = value
    return _VARIABLE.sub(text_of, value)


def _line(exc: Exception) -> str:
    mark = getattr(exc, "problem_mark", None)
    return f":{mark.line + 1}" if mark else ""


def _reason(exc: Exception) -> str:
    # What stands in quotes may be a piece of a key.
    return re.sub(r"'[^']{2,}'", "…", str(getattr(exc, "problem", None) or "it cannot be read"))


def _kind(value: object) -> str:
    return "list" if isinstance(value, list) else "single value"
