"""Reads one YAML file and fills in ${VARIABLES}; collects what is wrong instead of stopping."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from streaming.settings.draft import Draft, Place, spelled
from streaming.settings.scalars import Plain

_VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}")
_MERGE = "tag:yaml.org,2002:merge"
_TEXT = "tag:yaml.org,2002:str"


@dataclass(slots=True)
class Parsed:
    """What a YAML text holds, and the line (from 1) on which each of it begins."""

    value: Any = None
    lines: dict[Place, int] = field(default_factory=dict)
    twice: list[tuple[str, int]] = field(default_factory=list)
    """Names that one mapping has twice, with the line of the second; YAML keeps the last."""


class _Loader(yaml.SafeLoader):
    """SafeLoader that leaves every scalar text: what it means depends on its setting."""

    yaml_implicit_resolvers = {"<": [(_MERGE, re.compile("<<"))]}  # noqa: RUF012  (as PyYAML's)

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.twice: list[tuple[str, int]] = []

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    self.twice.append((key.value, key.start_mark.line + 1))
                seen.add(key.value)
        return node

    def built(self, node: yaml.Node, place: Place, lines: dict[Place, int]) -> Any:
        lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            self.flatten_mapping(node)
            built = {}
            for key, value in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    raise yaml.constructor.ConstructorError(
                        problem="a name must be text", problem_mark=key.start_mark
                    )
                name = str(self.construct_object(key))
                lines[*place, name] = key.start_mark.line + 1
                built[name] = self.built(value, (*place, name), lines)
            return built
        if isinstance(node, yaml.SequenceNode):
            items = enumerate(node.value)
            return [self.built(item, (*place, index), lines) for index, item in items]
        if isinstance(node, yaml.ScalarNode) and node.style is None and node.tag == _TEXT:
            return Plain(node.value)
        return self.construct_object(node)


def parse(text: str) -> Parsed:
    """The text's one document, its plain scalars as `Plain`.

    Raises:
        yaml.YAMLError, ValueError, RecursionError: it is no YAML, or refers to itself.
    """
    loader = _Loader(text)
    node = loader.get_single_node()
    parsed = Parsed(twice=loader.twice)
    if node is not None:
        parsed.value = loader.built(node, (), parsed.lines)
    return parsed


def read(path: Path, problems: list[str], known: Collection[str] = ()) -> Parsed:
    """The file's mapping by name; empty if there is no such file or it is empty.

    A name that is there twice is repeated in its problem if it is `known`: any other may be a key
    that slipped into the wrong column.
    """
    try:
        parsed = parse(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return Parsed({})
    except (yaml.YAMLError, OSError, ValueError, RecursionError) as exc:
        problems.append(f"{path}{_line(exc)}: {_reason(exc)}")
        return Parsed({})
    problems += [
        f"{path}:{line}: {name if name in known else 'a name'} is there twice"
        for name, line in parsed.twice
    ]
    if isinstance(parsed.value, dict):
        return parsed
    if parsed.value:
        kind = "list" if isinstance(parsed.value, list) else "single value"
        problems.append(f"{path}: must hold settings as `name: value`, got a {kind}")
    return Parsed({})


def fill(draft: Draft, place: Place, value: object, environ: Mapping[str, str], file: str) -> Any:
    """The value with its ${VARIABLES} replaced, at any depth, by what `environ` has.

    A value that is replaced is text; the setting's own type makes a number of it.
    """
    if isinstance(value, dict):
        return {
            name: fill(draft, (*place, name), inner, environ, file) for name, inner in value.items()
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
                f"{draft.at(file, place)}: {spelled(place)} needs the environment variable "
                f"{name}, which is not set"
            )
        return default or ""

    draft.written[place] = str(value)
    filled = _VARIABLE.sub(text_of, value)
    return Plain(filled) if isinstance(value, Plain) else filled


def _line(exc: Exception) -> str:
    mark = getattr(exc, "problem_mark", None)
    return f":{mark.line + 1}" if mark else ""


def _reason(exc: Exception) -> str:
    if isinstance(exc, OSError):
        return f"cannot be read: {exc.strerror or exc}"
    if isinstance(exc, UnicodeDecodeError):
        return "not UTF-8 text"
    # What stands in quotes may be a piece of a key.
    problem = re.sub(r"'[^']{2,}'", "…", str(getattr(exc, "problem", None) or "it cannot be read"))
    return f"not YAML: {problem}"
