"""Writes docs/commands.md from the `trafficmon` command itself."""

from collections.abc import Iterator
from pathlib import Path

import click

PAGE = Path("docs/commands.md")
INTRODUCTION = """\
# The command

The command is `.venv/bin/trafficmon`. Settings come from `config/` and the environment:
[Settings](configuration.md).

| exit code | meaning |
|---|---|
| 0 | success |
| 1 | something is not as it should be |
| 2 | a wrong setting or option |
| 3 | a required service is not available |
| 130 | ended by a second Ctrl-C |

This page is written by `python -m streaming.commands.document`; a test fails when it is out of
date.
"""


def page() -> str:
    """The whole page as Markdown."""
    from streaming.cli import trafficmon

    return INTRODUCTION + "".join(_section(*found) for found in commands(trafficmon, "trafficmon"))


def commands(command: click.Command, words: str) -> Iterator[tuple[str, click.Command]]:
    """Every command with the words that call it, groups left out."""
    if isinstance(command, click.Group):
        for name, inner in sorted(command.commands.items()):
            yield from commands(inner, f"{words} {name}")
    else:
        yield words, command


def _section(words: str, command: click.Command) -> str:
    arguments = [p for p in command.params if isinstance(p, click.Argument)]
    options = [p for p in command.params if isinstance(p, click.Option)]
    usage = " ".join([words, *(_placeholder(argument) for argument in arguments)])
    text = f"\n## {words}\n\n`{usage}`\n\n{_paragraphs(command.help or '')}\n"
    if options:
        text += "\n| option | what it does |\n|---|---|\n"
        text += "".join(f"| `{_written(o)}` | {_explained(o)} |\n" for o in options)
    return text


def _placeholder(argument: click.Argument) -> str:
    if isinstance(argument.type, click.Choice):
        name = "|".join(map(str, argument.type.choices))
    else:
        name = (argument.name or "").upper()
    name += "…" if argument.nargs == -1 else ""
    return f"<{name}>" if argument.required else f"[<{name}>]"


def _written(option: click.Option) -> str:
    name = ", ".join(option.opts)
    if option.is_flag:
        return name
    if isinstance(option.type, click.Choice):
        return f"{name} {', '.join(map(str, option.type.choices))}"
    is_number = isinstance(option.type, click.types.IntParamType | click.types.FloatParamType)
    return f"{name} {'NUMBER' if is_number else option.type.name.upper()}"


def _explained(option: click.Option) -> str:
    needed = " Required." if option.required else ""
    shown = (
        option.default is not None
        and not option.is_flag
        and isinstance(option.default, str | int | float)
    )
    default = f" Default: `{option.default}`." if shown and str(option.default) else ""
    return f"{option.help or ''}{needed}{default}".replace("|", "\\|").strip() or "—"


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.replace("\b", "").split("\n\n"))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
