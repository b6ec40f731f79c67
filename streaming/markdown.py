"""Figures and tables as Markdown, which the web UI and our reports show. Pure."""

from collections.abc import Iterable, Sequence


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; numbers to the right, None as a dash."""
    cells = [[_cell(value) for value in row] for row in rows]
    numeric = [
        bool(cells) and all(_is_number(row[i]) for row in cells) for i in range(len(columns))
    ]
    lines = [
        columns,
        ["---:" if right else "---" for right in numeric],
        *cells,
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def ms(value: float | None) -> str | None:
    """Milliseconds to read: 3.42, 812, 12,345."""
    if value is None:
        return None
    return f"{value:.2f}" if abs(value) < 10 else f"{value:,.0f}"


def share(value: float | None) -> str | None:
    """0.9866 as 98.7 %, on one line."""
    return None if value is None else f"{value:.1%}".replace("%", "\u00a0%")


def money(value: float | None) -> str | None:
    """1,234.50; under 1 with two digits that count: 0.0012."""
    if value is None:
        return None
    return f"{value:,.2f}" if abs(value) >= 1 or value == 0 else f"{value:.2g}"


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value).replace("|", "\\|").replace("\n", " ")


def _is_number(text: str) -> bool:
    return (
        text == "–"
        or text.removesuffix("%").strip().replace(",", "").replace(".", "").lstrip("-").isdigit()
    )
