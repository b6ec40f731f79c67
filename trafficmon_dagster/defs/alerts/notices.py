"""A change as it is told: in a sentence, with what was seen. Pure."""

from collections.abc import Iterable
from datetime import UTC, datetime

from streaming.notify.notice import Notice
from streaming.settings import Rule
from streaming.settings.watched import BY_NAME
from trafficmon_dagster.defs.alerts.states import Change

_FLAG = "0 or 1"


def notice_of(change: Change, rules: Iterable[Rule], link: str) -> Notice:
    """What the lake keeps and people are told; a rule that is gone has left no threshold."""
    alert = change.alert
    rule = next((r for r in rules if r.name == alert.rule), None)
    return Notice(
        id=alert.id,
        rule=alert.rule,
        metric=alert.metric,
        state=change.state,
        severity=rule.severity if rule else "info",
        labels=alert.labels,
        value=alert.value,
        threshold=rule.threshold if rule else 0.0,
        comparison=rule.comparison if rule else ">",
        unit=BY_NAME[alert.metric].unit,
        message=sentence(change, rule),
        since=_time(alert.fired_at or alert.since),
        at=_time(change.at),
        link=link,
        reminder=change.reminder,
    )


def sentence(change: Change, rule: Rule | None) -> str:
    """For a person: what it is about, what was seen, and against what."""
    alert, metric = change.alert, BY_NAME[change.alert.metric]
    about = (rule.description if rule else "") or metric.alarm
    of = ", ".join(f"{name} {value}" for name, value in sorted(alert.labels.items()))
    said = f"{about} ({of})" if of else about
    parts = []
    if metric.unit != _FLAG:
        seen = f"{_plain(alert.value, metric.unit)}"
        limit = f", rule: {rule.comparison} {_plain(rule.threshold, metric.unit)}" if rule else ""
        parts.append(seen + limit)
    if change.state == "resolved":
        parts.append(change.reason or f"over after {_span(change.at - alert.since)}")
    else:
        parts += [f"for {_span(change.at - alert.since)} now"] if change.reminder else []
        parts += [alert.detail] if alert.detail else []
    return f"{said}: {'; '.join(parts)}" if parts else said


def _plain(value: float, unit: str) -> str:
    if unit == "share":
        return f"{value:.1%}"
    number = f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{number} {unit}"


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def _time(unix_s: float) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)
