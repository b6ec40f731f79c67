"""Writes docs/lake-tables.md from the tables and views themselves."""

from pathlib import Path

from streaming.lake.tables import TABLES, Table
from streaming.lake.views import VIEWS

PAGE = Path("docs/lake-tables.md")
INTRODUCTION = """\
# The lake's tables and views

How they are filled and asked: [lakehouse.md](lakehouse.md). Times are UTC without a zone.

This page is written by `python -m streaming.lake.document`; a test fails when it is out of date.
"""


def page() -> str:
    """The whole page as Markdown."""
    views = "".join(f"\n## {view.name} (view)\n\n{view.description}\n" for view in VIEWS)
    return INTRODUCTION + "".join(_section(table) for table in TABLES) + views


def _section(table: Table) -> str:
    text = f"\n## {table.name}\n\n{table.description}"
    if table.day_of:
        text += f" A partition a day of `{table.day_of}`,"
        text += f" sorted by {' and '.join(f'`{name}`' for name in table.sorted_by)}."
    text += "\n\n| column | type | what it is |\n|---|---|---|\n"
    return text + "".join(
        f"| `{column.name}` | {column.type} | {column.description} |\n" for column in table.columns
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
