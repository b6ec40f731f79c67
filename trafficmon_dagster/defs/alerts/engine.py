"""Alerts over time: pending, firing, resolved. Pure.

One step takes what was measured now and the alerts as they stood, and gives the alerts as they
stand and what changed. An alert that is well is not kept, so what is kept does not grow.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from streaming.settings import Rule
from trafficmon_dagster.defs.alerts.states import (
    Alert,
    Change,
    Look,
    Memory,
    Reading,
    Silenced,
    Timing,
    alert_id,
)

GAP_S = 120.0
"""After a pause this long between two looks, nothing is known of the time between: what was
pending, or on its way to being over, begins anew."""

UNMEASURED_S = 600.0
"""A firing alert that nothing measures any more (the camera is gone, say) is over after this."""

MOST_ALERTS = 500
"""Kept in one cursor; what goes beyond is not watched."""


def step(
    rules: Sequence[Rule],
    readings: Iterable[Reading],
    memory: Memory,
    *,
    now: float,
    timing: Timing,
    silenced: Silenced,
    blind: bool = False,
) -> Look:
    """Hold the rules against the readings of this moment.

    Without a reading nothing begins to fire: a rule about silence watches a metric that has a
    reading then. While a sensor is `blind`, as what it asks does not answer, nothing that fires
    is over either.
    """
    before = {alert.id: alert for alert in memory.alerts}
    unbroken = memory.looked_at is not None and 0 <= now - memory.looked_at <= GAP_S
    if not unbroken:
        before = {key: _anew(alert, now) for key, alert in before.items()}
    alerts: list[Alert] = []
    over: list[tuple[Alert, str]] = []
    for rule, reading in _matches(rules, readings):
        known = before.pop(alert_id(rule.name, reading.labels), None)
        if rule.holds(reading.value):
            alerts.append(_bad(rule, reading, known, now))
        elif known is not None and known.state == "firing":
            alert = _well(reading, known, now)
            if _lasts(alert.well_since, timing.resolve_after_s, now):
                over.append((alert, ""))
            else:
                alerts.append(alert)
    names = {rule.name for rule in rules}
    for alert in _lost(before.values(), now, blind=blind):
        if alert.rule not in names:
            over.append((alert, "no rule watches it any more"))
        elif _lasts(alert.unmeasured_since, UNMEASURED_S, now):
            over.append((alert, "nothing measures it any more"))
        else:
            alerts.append(alert)
    kept = sorted(alerts, key=lambda alert: (alert.state, alert.since))[:MOST_ALERTS]
    told, fresh = _told(kept, now, timing, silenced)
    ended = (
        Change(alert, "resolved", now, tell=_was_told(alert, silenced), reason=reason)
        for alert, reason in over
    )
    return Look(Memory(now, told, memory.notes), (*ended, *fresh), len(alerts) - len(kept))


def _matches(rules: Sequence[Rule], readings: Iterable[Reading]) -> Iterator[tuple[Rule, Reading]]:
    for reading in readings:
        for rule in rules:
            if rule.metric == reading.metric and rule.labels.items() <= reading.labels.items():
                yield rule, reading


def _anew(alert: Alert, now: float) -> Alert:
    """As it stood before a pause: how long it has held, or not held, is counted from now on."""
    if alert.state == "pending":
        return msgspec.structs.replace(alert, since=now)
    return msgspec.structs.replace(alert, well_since=None, unmeasured_since=None)


def _bad(rule: Rule, reading: Reading, known: Alert | None, now: float) -> Alert:
    since = known.since if known else now
    fired_at = known.fired_at if known else None
    if fired_at is None and now - since >= rule.duration:
        fired_at = now
    return Alert(
        rule.name,
        rule.metric,
        dict(reading.labels),
        "pending" if fired_at is None else "firing",
        since,
        reading.value,
        reading.detail,
        fired_at=fired_at,
        told_at=known.told_at if known else None,
    )


def _well(reading: Reading, known: Alert, now: float) -> Alert:
    return msgspec.structs.replace(
        known,
        value=reading.value,
        detail=reading.detail,
        well_since=now if known.well_since is None else known.well_since,
        unmeasured_since=None,
    )


def _lost(alerts: Iterable[Alert], now: float, *, blind: bool) -> Iterator[Alert]:
    """Firing alerts without a reading; what was only pending is forgotten."""
    for alert in alerts:
        if alert.state == "firing":
            known = None if blind else alert.unmeasured_since
            since = now if known is None else known
            yield msgspec.structs.replace(alert, unmeasured_since=since)


def _lasts(since: float | None, for_s: float, now: float) -> bool:
    return since is not None and now - since >= for_s


def _was_told(alert: Alert, silenced: Silenced) -> bool:
    return alert.told_at is not None and alert not in silenced


def _told(
    alerts: Iterable[Alert], now: float, timing: Timing, silenced: Silenced
) -> tuple[tuple[Alert, ...], list[Change]]:
    """The alerts with `told_at` as it is after this step, and what is new of those that fire."""
    after: list[Alert] = []
    changes: list[Change] = []
    for alert in alerts:
        began = alert.state == "firing" and alert.fired_at == now
        due = alert.told_at is None or (
            timing.remind_after_s > 0 and now - alert.told_at >= timing.remind_after_s
        )
        # One that only waits to be over is nothing to be told of.
        waits = alert.well_since is not None or alert.unmeasured_since is not None
        tell = alert.state == "firing" and due and not waits and alert not in silenced
        if began or tell:
            reminder = alert.told_at is not None
            changes.append(Change(alert, "firing", now, tell=tell, keep=began, reminder=reminder))
        after.append(msgspec.structs.replace(alert, told_at=now) if tell else alert)
    return tuple(after), changes
