"""Writes the list of every error message into the pages on troubleshooting.

The messages are read from the code (no module is imported), the explanations from
error_advice.yaml beside this file. Run it from the repository: `python scripts/document_errors.py`.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
ADVICE = Path(__file__).with_name("error_advice.yaml")
PAGES = {"en": Path("docs/troubleshooting.md"), "zh": Path("docs/zh/troubleshooting.md")}
BEGIN = "<!-- made by scripts/document_errors.py: begin -->"
END = "<!-- made by scripts/document_errors.py: end -->"

AS_CONFIG_ERRORS = ("streaming/settings/", "streaming/simulator/spec.py", "camera_places.py")
"""Where a ValueError, or an entry of `problems`, becomes a line of ConfigError."""


@dataclass(frozen=True, slots=True, order=True)
class Message:
    """What the code says; `…` stands for what is filled in."""

    kind: str
    text: str


@cache
def messages() -> list[Message]:
    """Every message of the exceptions that Trafficmon raises on purpose."""
    trees = {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for package in ("streaming", "trafficmon_dagster")
        for path in sorted((ROOT / package).rglob("*.py"))
    }
    ours = kinds(trees)
    found = {m for path, tree in trees.items() for m in _in_module(path, tree, ours)}
    return sorted(found)


def kinds(trees: dict[str, ast.Module]) -> set[str]:
    """Names of the exception classes: TrafficmonError, and those below it."""
    parents = {
        node.name: {ast.unparse(base).split(".")[-1] for base in node.bases}
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    known = {"TrafficmonError", "Refused"}
    while more := {name for name, bases in parents.items() if bases & known} - known:
        known |= more
    return known


def _in_module(path: str, tree: ast.Module, ours: set[str]) -> Iterator[Message]:
    functions = {n.name: n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
    is_settings = any(part in path for part in AS_CONFIG_ERRORS)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name in ours:
            yield from _fixed(node)
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func).split(".")[-1]
        owner = ast.unparse(node.func).rsplit(".", 1)[0]
        if name in ours:
            kind = name
        elif is_settings and (
            name in {"ValueError", "problem"} or (name == "append" and owner.endswith("problems"))
        ):
            kind = "ConfigError"
        else:
            continue
        for argument in [*node.args, *(k.value for k in node.keywords if k.arg == "message")]:
            for text in _texts(argument, functions):
                if " " in text:  # one word alone is a name, no sentence
                    yield Message(kind, text)


def _fixed(kind: ast.ClassDef) -> Iterator[Message]:
    """The message that a class makes of its arguments: of its call of super().__init__."""
    for node in ast.walk(kind):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "super().__init__":
            for argument in node.args:
                yield from (Message(kind.name, text) for text in _texts(argument, {}))


def _texts(node: ast.expr, functions: dict[str, ast.FunctionDef]) -> list[str]:
    """The texts that an argument may be; none where only the running program knows."""
    match node:
        case ast.Constant(value=str()) | ast.JoinedStr() | ast.BinOp(op=ast.Add()):
            return [_one_line(_skeleton(node))]
        case ast.IfExp(body=body, orelse=orelse):
            return _texts(body, functions) + _texts(orelse, functions)
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return [text for element in elements for text in _texts(element, functions)]
        case ast.Call(func=ast.Name(id=name)) if name in functions:
            returned = [n.value for n in ast.walk(functions[name]) if isinstance(n, ast.Return)]
            return [text for value in returned if value for text in _texts(value, {})]
        case ast.Call(args=[inner]):  # mask_url(f"…") and the like
            return _texts(inner, functions)
        case _:
            return []


def _one_line(text: str) -> str:
    return re.sub("…+", "…", " ".join(text.split()))


def _skeleton(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=value):
            return str(value)
        case ast.JoinedStr(values=values):
            return "".join(map(_skeleton, values))
        case ast.BinOp(left=left, right=right):
            return _skeleton(left) + _skeleton(right)
        case _:
            return "…"


def advice() -> dict[str, Any]:
    """Explanations by class, as error_advice.yaml has them."""
    found: dict[str, Any] = yaml.safe_load(ADVICE.read_text(encoding="utf-8"))
    return found


def part(language: str) -> str:
    """The list in one language, Markdown between the two marks."""
    explained, said = advice(), messages()
    lines = [BEGIN, ""]
    for kind in sorted({message.kind for message in said}):
        about = explained[kind]
        texts = [message.text for message in said if message.kind == kind]
        lines += [f"### {kind}", "", about[language], ""]
        rows = [(text, note) for text in texts if (note := _note(text, about, language))]
        if rows:
            lines += [
                "| it says | what to do |" if language == "en" else "| 报错 | 处理 |",
                "|---|---|",
            ]
            lines += [f"| {_code(text, in_table=True)} | {note} |" for text, note in rows]
            lines += [""]
        others = [text for text in texts if not _note(text, about, language)]
        lines += [f"- {_code(text)}" for text in others] + ([""] if others else [])
    return "\n".join([*lines, END])


def _note(text: str, about: dict[str, Any], language: str) -> str | None:
    notes = (note[language] for note in about.get("messages", ()) if note["has"] in text)
    return next(notes, None)


def _code(text: str, *, in_table: bool = False) -> str:
    ticks = "``" if "`" in text else "`"
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    written = f"{ticks}{pad}{text}{pad}{ticks}"
    return written.replace("|", "\\|") if in_table else written


def page(language: str) -> str:
    """The whole page of a language, its list made anew."""
    text = (ROOT / PAGES[language]).read_text(encoding="utf-8")
    head, rest = text.split(BEGIN, 1)
    return head + part(language) + rest.split(END, 1)[1]


if __name__ == "__main__":
    for each, where in PAGES.items():
        (ROOT / where).write_text(page(each), encoding="utf-8")
