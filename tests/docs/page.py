"""What a page of documentation has a reader type, and what it promises to show. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

SHELLS = ("sh", "bash", "shell", "console")
_COMMENT = re.compile(r"<!--\s*(not run|run):\s*(.+?)\s*-->", re.DOTALL)
_PATH = re.compile(r"# (config/[\w.-]+)\n")
_HOW = re.compile(
    r"exits (?P<code>\d+)(?:, on a slow machine (?P<slow>\d+))?|for (?P<seconds>\d+) s|(?P<background>in the background)"
)


@dataclass(frozen=True, slots=True)
class Block:
    """Commands as a page shows them; `line` is where they stand, from 1."""

    line: int
    commands: str
    not_run: str | None = None
    """Why no test runs them."""
    exit_code: int = 0
    slow_exit_code: int | None = None
    """As right as the other: a command that measures says that this machine is too slow."""
    for_s: int | None = None
    """Ended by Ctrl-C after so many seconds."""
    in_background: bool = False
    shows: str | None = None
    """What the page says that the reader sees."""


@dataclass(frozen=True, slots=True)
class File:
    """A file that a page has the reader write: its first line is a comment with its path."""

    path: str
    content: str


def steps(text: str) -> list[Block | File]:
    """Every block of commands and every file of a page, in order.

    Raises:
        ValueError: a comment before a block that says `run:` and then something unknown.
    """
    tokens = MarkdownIt("commonmark").parse(text)
    found: list[Block | File] = []
    for index, token in enumerate(tokens):
        if token.type != "fence":
            continue
        if token.info.split(" ")[0] in SHELLS:
            found.append(_block(token, tokens[:index], tokens[index + 1 :]))
        elif path := _PATH.match(token.content):
            found.append(File(path[1], token.content))
    return found


def blocks(text: str) -> list[Block]:
    """The blocks of commands alone."""
    return [step for step in steps(text) if isinstance(step, Block)]


def missing(shown: str, seen: str) -> str | None:
    """The first line of `shown` that `seen` does not have after those before it, None if none."""
    rest = [_plain(line) for line in seen.splitlines()]
    for line in filter(str.strip, shown.splitlines()):
        pattern = _pattern(line)
        at = next((n for n, other in enumerate(rest) if pattern.search(other)), None)
        if at is None:
            return line.strip()
        rest = rest[at + 1 :]
    return None


def _block(fence: Token, before: Sequence[Token], after: Sequence[Token]) -> Block:
    line = (fence.map or [0])[0] + 1
    kind, words = _comment(before)
    shows = _shown(after)
    if kind == "not run":
        return Block(line, fence.content, not_run=words, shows=shows)
    how = _HOW.fullmatch(words) if words else None
    if words and how is None:
        raise ValueError(f"line {line}: `run: {words}` is none of the ways in tests/docs")
    return Block(
        line,
        fence.content,
        exit_code=int(how["code"] or 0) if how else 0,
        slow_exit_code=int(how["slow"]) if how and how["slow"] else None,
        for_s=int(how["seconds"]) if how and how["seconds"] else None,
        in_background=bool(how and how["background"]),
        shows=shows,
    )


def _comment(before: Sequence[Token]) -> tuple[str, str]:
    last = before[-1] if before else None
    # CommonMark takes a line that touches a paragraph for a part of it.
    text = last.content if last is not None and last.type == "html_block" else ""
    found = _COMMENT.search(text)
    return (found[1], " ".join(found[2].split())) if found else ("", "")


def _shown(after: Sequence[Token]) -> str | None:
    following = after[0] if after else None
    if following is not None and following.type == "fence" and following.info in ("text", "json"):
        return following.content
    return None


def _plain(line: str) -> str:
    """Without colours, frames of tables and the width of blanks."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m|[│┃┌┐└┘├┤┬┴┼─━┏┓┗┛┡┩╇╈╷╵]", " ", line).split())


def _pattern(line: str) -> re.Pattern[str]:
    text = re.escape(_plain(line)).replace("…", ".*")
    return re.compile(re.sub(r"\d+(?:\\[.,]\d+)*", r"[\\d.,]+", text))
