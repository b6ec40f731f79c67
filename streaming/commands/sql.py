"""`trafficmon sql`."""

import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streaming.commands.context import settings_of
from streaming.errors import ConfigError, TrafficmonError

if TYPE_CHECKING:
    from streaming.settings import Settings

_PROMPT, _MORE = "lake> ", "  ... "
_TABLES = "select table_name, comment from duckdb_tables() where database_name = 'lake' order by 1"
_VIEWS = (
    "select view_name, comment from duckdb_views()"
    " where database_name = 'lake' and not internal order by 1"
)
_COMMANDS = {
    ".tables": f"from ({_TABLES}) union all from ({_VIEWS})",
    ".help": "select unnest(['SQL, ended by ;', '.tables', '.quit']) as 'what works here'",
}


@click.command()
@click.argument("query", required=False)
@click.option(
    "--format",
    "as_",
    type=click.Choice(["table", "csv", "json", "parquet"]),
    default="table",
    show_default=True,
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the result to this file.",
)
def sql(query: str | None, as_: str, output: Path | None) -> None:
    """Query the lake: trafficmon sql "select risk_level, count(*) from assessments group by 1".

    Without a query it reads statements that end with a semicolon, from a pipe or as a shell, in
    which each statement sees the lake as it is at that time.
    """
    from streaming.lake import give_way

    settings = settings_of()
    give_way()
    if query is not None:
        _answer(settings, query, as_, output)
        return
    if sys.stdin.isatty():
        _shell(lambda statement: _answer(settings, statement, as_, output))
        return
    for statement in _statements(sys.stdin):
        _answer(settings, statement, as_, output)


def _answer(settings: "Settings", query: str, as_: str, output: Path | None) -> None:
    from streaming.lake import ask, written_as

    if as_ == "parquet":
        _parquet(settings, query, output)
        return
    text = written_as(ask(settings, query), as_)
    if output is None:
        click.echo(text)
    else:
        output.write_text(text + "\n", encoding="utf-8")


def _parquet(settings: "Settings", query: str, output: Path | None) -> None:
    from streaming.lake.files import write_parquet

    if output is not None:
        write_parquet(settings, query, output)
        return
    if sys.stdout.isatty():
        raise ConfigError("--format parquet is for a file: add --output FILE, or a pipe")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "answer.parquet"
        write_parquet(settings, query, file)
        sys.stdout.buffer.write(file.read_bytes())


def _shell(answer: Callable[[str], None]) -> None:
    """A statement at a time; one that is wrong is told and the next may come."""
    import readline  # noqa: F401 - input() edits lines and remembers them with it

    click.echo("Ask the lake. Statements end with ; and .help tells the rest.")
    for statement in _statements(_typed()):
        try:
            answer(statement)
        except TrafficmonError as exc:
            click.echo(f"{type(exc).__name__}: {exc}", err=True)


def _typed() -> Iterator[str]:
    prompt = _PROMPT
    while True:
        try:
            line = input(prompt)
        except KeyboardInterrupt:
            click.echo()
            prompt = _PROMPT
            yield "\x03"
            continue
        except EOFError:
            click.echo()
            return
        if line.strip() in {".quit", ".exit"}:
            return
        prompt = _PROMPT if _ends(line) else _MORE
        yield line + "\n"


def _ends(line: str) -> bool:
    return not line.strip() or line.rstrip().endswith(";") or line.strip() in _COMMANDS


def _statements(lines: Iterable[str]) -> Iterator[str]:
    """What is typed or piped in, cut after lines that end with a semicolon."""
    waiting = ""
    for line in lines:
        if line == "\x03":
            waiting = ""
        elif not waiting and line.strip() in _COMMANDS:
            yield _COMMANDS[line.strip()]
        else:
            waiting += line
            if waiting.rstrip().endswith(";"):
                yield waiting
                waiting = ""
    if waiting.strip():
        yield waiting
