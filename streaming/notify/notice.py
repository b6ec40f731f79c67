"""What is told of an alert: for people as text, for programs as JSON. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

SCHEMA_VERSION = 1
MOST_LINES = 20

State = Literal["firing", "resolved", "test"]


class Notice(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One alert that fires, still fires (`reminder`) or is over.

    `value` and `threshold` are in `unit`; `since` is when it began to fire, `at` when it was seen.
    """

    id: str
    rule: str
    metric: str
    state: State
    severity: str
    labels: dict[str, str]
    value: float
    threshold: float
    comparison: str
    unit: str
    message: str
    since: datetime
    at: datetime
    link: str
    reminder: bool = False


class Body(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a webhook is sent."""

    schema_version: int = SCHEMA_VERSION
    source: str = "trafficmon"
    state: State
    title: str
    alerts: tuple[Notice, ...]


def body(notices: Sequence[Notice]) -> bytes:
    """The JSON of a webhook; `state` is firing if anything in it fires."""
    return msgspec.json.encode(
        Body(state=_state(notices), title=title(notices), alerts=tuple(notices))
    )


def title(notices: Sequence[Notice]) -> str:
    """One line: the alert, or how many there are."""
    state = _state(notices)
    if len(notices) == 1:
        (one,) = notices
        still = "still " if one.reminder else ""
        return f"[{one.severity}] {one.id} {still}{state}"
    firing = sum(notice.state == "firing" for notice in notices)
    parts = [f"{firing} firing"] if firing else []
    parts += [f"{len(notices) - firing} resolved"] if firing < len(notices) else []
    return f"Trafficmon: {', '.join(parts)}"


def text(notices: Sequence[Notice]) -> str:
    """A line and a link for each, up to twenty."""
    lines = []
    for notice in notices[:MOST_LINES]:
        lines.append(f"{notice.state}: {notice.message}")
        lines.append(notice.link)
    if len(notices) > MOST_LINES:
        lines.append(f"and {len(notices) - MOST_LINES} more")
    return "\n".join(lines)


def a_test(now: datetime, link: str) -> Notice:
    """What `trafficmon notify test` sends."""
    return Notice(
        id="notify_test",
        rule="notify_test",
        metric="none",
        state="test",
        severity="info",
        labels={},
        value=0.0,
        threshold=0.0,
        comparison=">",
        unit="",
        message="A test of this channel: nothing is wrong.",
        since=now,
        at=now,
        link=link,
    )


def _state(notices: Sequence[Notice]) -> State:
    states = {notice.state for notice in notices}
    return next(state for state in ("firing", "resolved", "test") if state in states)
