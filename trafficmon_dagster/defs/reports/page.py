"""A report as Markdown for the web UI, and as a page that needs nothing else. Pure."""

import html

from streaming.html_page import html_page
from streaming.markdown import markdown_table
from trafficmon_dagster.defs.reports.report import Report, Table


def as_markdown(report: Report, covers: str) -> str:
    """What the asset's page shows; `covers` is the time, for a person."""
    parts = [f"**{report.summary}**", covers]
    parts += [f"![{picture.alt}]({picture.address})" for picture in report.pictures]
    parts += [
        f"### {table.title}\n\n{table_markdown(table)}" for table in report.tables if table.rows
    ]
    return "\n\n".join([*parts, *([report.note] if report.note else [])])


def table_markdown(table: Table) -> str:
    """One table, with its note under it."""
    shown = markdown_table(table.headings, table.shown)
    return f"{shown}\n\n{table.note}" if table.note else shown


def as_html(report: Report, covers: str) -> str:
    """A page of its own: no script, no address but its own."""
    images = "".join(
        f'<img alt="{html.escape(picture.alt)}" src="{picture.address}">'
        for picture in report.pictures
    )
    tables = "".join(
        f"<h2>{html.escape(table.title)}</h2>{_html_table(table)}<p>{html.escape(table.note)}</p>"
        for table in report.tables
        if table.rows
    )
    return html_page(
        f"Trafficmon: {report.title}",
        f"<h1>{html.escape(report.title)}</h1><p>{html.escape(covers)}</p>"
        f'<p class="summary">{html.escape(report.summary)}</p>'
        f"{images}{tables}<p>{html.escape(report.note)}</p>",
    )


def _html_table(table: Table) -> str:
    text = [any(isinstance(row[i], str) for row in table.rows) for i in range(len(table.headings))]
    side = [' class="text"' if is_text else "" for is_text in text]
    head = "".join(
        f"<th{at}>{html.escape(name)}</th>" for name, at in zip(table.headings, side, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{at}>{html.escape(_text(cell))}</td>" for cell, at in zip(row, side, strict=True)
        )
        + "</tr>"
        for row in table.shown
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _text(cell: object) -> str:
    if cell is None:
        return "–"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)
