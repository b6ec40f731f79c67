"""Reading what stands behind the `?`, strictly."""

from datetime import UTC, datetime

from aiohttp import web

from streaming.api.envelope import Refused


def whole_number(request: web.Request, name: str, *, default: int, low: int, high: int) -> int:
    """A bounded whole number.

    Raises:
        Refused: it is none, or out of bounds.
    """
    text = request.query.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not low <= int(text) <= high:
        raise Refused(400, f"{name} must be a whole number, {low} to {high}")
    return int(text)


def one_of(request: web.Request, name: str, allowed: tuple[str, ...]) -> str | None:
    """One of a few words, or None if it is left out.

    Raises:
        Refused: it is another.
    """
    text = request.query.get(name)
    if text is not None and text not in allowed:
        raise Refused(400, f"{name} must be one of {', '.join(allowed)}")
    return text


def yes_or_no(request: web.Request, name: str) -> bool | None:
    """True, False, or None if it is left out.

    Raises:
        Refused: it is neither `true` nor `false`.
    """
    text = one_of(request, name, ("true", "false"))
    return None if text is None else text == "true"


def moment(request: web.Request, name: str) -> datetime | None:
    """An RFC 3339 time with its offset, or None if it is left out.

    Raises:
        Refused: it is none.
    """
    text = request.query.get(name)
    if text is None:
        return None
    try:
        # A plus sign that was not escaped arrives as a blank.
        at = datetime.fromisoformat(text.replace(" ", "+"))
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Refused(400, f"{name} must be a time such as 2026-01-31T08:00:00Z") from None
