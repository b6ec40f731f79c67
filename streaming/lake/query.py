"""Run SQL on the lake, and write the answer as a table, CSV or JSON."""

import csv
import io
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import duckdb

from streaming.errors import TrafficmonError
from streaming.lake.catalog import of_the_files, opened
from streaming.lake.one_state import of_one_state
from streaming.settings import Settings

_NICE = 19


class QueryError(TrafficmonError):
    """The SQL cannot be run; DuckDB's message says where."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a query: one name per column, one tuple per row."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def give_way() -> None:
    """Lower this process's priority, so that its queries do not slow ingestion down.

    Eight readers on two cores took 42 % of ingestion's speed, at nice 15 25 %, so 14 %.
    """
    os.nice(max(0, _NICE - os.nice(0)))


def ask(settings: Settings, query: str) -> Answer:
    """The answer from the lake's current state; read-only, so it never waits for ingestion.

    Raises:
        LakeUnavailable: there is no lake yet, or its files are out of reach.
        QueryError: the SQL is wrong, or would write.
    """
    with opened(settings, read_only=True) as con:

        def answer() -> Answer:
            result = con.execute(query)
            columns = tuple(column[0] for column in result.description or ())
            return Answer(columns, tuple(result.fetchall()))

        try:
            return of_one_state(con, answer)
        except duckdb.Error as exc:
            if of_the_files(settings, exc):
                raise
            raise QueryError(str(exc)) from exc


def written_as(answer: Answer, form: str) -> str:
    """The answer as `table` (Markdown's, readable as it is), `csv` or `json`."""
    if form == "json":
        records = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
        return json.dumps(records, ensure_ascii=False, indent=2, default=_plain)
    if form == "csv":
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(answer.columns)
        writer.writerows(["" if v is None else v for v in row] for row in answer.rows)
        return out.getvalue().rstrip("\n")
    return _aligned(answer.columns, [[_cell(value) for value in row] for row in answer.rows])


def _aligned(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [
        max([len(name), *(len(row[i]) for row in rows)], default=0)
        for i, name in enumerate(columns)
    ]
    lines = [columns, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| " + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) + " |"
        for line in lines
    )


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}" if abs(value) < 1e6 else f"{value:.1f}"
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return str(value).replace("\n", " ").replace("|", "\\|")


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat() + ("Z" if value.tzinfo is None else "")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return str(value)
