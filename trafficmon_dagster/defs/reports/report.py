"""What every report is made of: a sentence, numbers, pictures and tables. Pure."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """`show` turns a value into text; None stays a dash."""

    name: str
    show: Callable[[Any], object] = lambda value: value


@dataclass(frozen=True, slots=True)
class Table:
    """`rows` hold plain values: JSON gets them as they are, people as the columns show them."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: Sequence[Row]
    note: str = ""

    @property
    def headings(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def shown(self) -> list[Row]:
        """The rows as a person reads them."""
        return [
            tuple(
                None if value is None else column.show(value)
                for column, value in zip(self.columns, row, strict=True)
            )
            for row in self.rows
        ]


@dataclass(frozen=True, slots=True)
class Picture:
    """A transparent PNG, readable on white and on near-black; `alt` says what it shows."""

    alt: str
    png: bytes

    @property
    def address(self) -> str:
        """Itself as an address, for HTML and Markdown."""
        return f"data:image/png;base64,{b64encode(self.png).decode()}"


@dataclass(frozen=True, slots=True)
class Report:
    """A report without rows says so in its summary and has neither pictures nor tables.

    `numbers` are plotted over time by the web UI; those that are None are left out.
    """

    title: str
    summary: str
    numbers: Mapping[str, float | None] = field(default_factory=dict)
    pictures: Sequence[Picture] = ()
    tables: Sequence[Table] = ()
    note: str = ""

    @property
    def measured(self) -> dict[str, float]:
        return {k: round(float(v), 6) for k, v in self.numbers.items() if v is not None}

    def as_dict(self) -> dict[str, Any]:
        """For JSON; times are marked as UTC."""
        return {
            "title": self.title,
            "summary": self.summary,
            "numbers": self.measured,
            "tables": {
                table.name: [
                    dict(zip(table.headings, map(_plain, row), strict=True)) for row in table.rows
                ]
                for table in self.tables
            },
        }


def _plain(value: Any) -> Any:
    return f"{value.isoformat()}Z" if isinstance(value, datetime) else value
