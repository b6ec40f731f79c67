"""The alert sensors: each looks at one place and holds the rules against what it sees.

What changed is an observation of the asset that it is about, and a run of `record_alerts`, which
tells people and writes the rows: a tick waits for neither.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import dagster as dg
import msgspec

from streaming.errors import TrafficmonError
from streaming.notify.notice import Notice
from streaming.settings import AlertSettings, Settings
from trafficmon_dagster.defs.alerts import readers
from trafficmon_dagster.defs.alerts.engine import step
from trafficmon_dagster.defs.alerts.notices import notice_of
from trafficmon_dagster.defs.alerts.places import PLACES, Place, Tick
from trafficmon_dagster.defs.alerts.readers import Sight
from trafficmon_dagster.defs.alerts.rules import SERVICE, built_in_rules, of_family, rules_in_force
from trafficmon_dagster.defs.alerts.states import Change, Memory, Silenced, Timing
from trafficmon_dagster.defs.alerts.subjects import link_of, subject_of
from trafficmon_dagster.defs.alerts.table import (
    RECORD_ALERTS,
    AlertChange,
    AlertChanges,
    record_alerts_job,
)
from trafficmon_dagster.defs.alerts.within import TookTooLong, within
from trafficmon_dagster.resources import Trafficmon

TICK_S = 15
LOOK_WITHIN_S = 25.0
clock = time.time


def _sensor(place: Place) -> dg.SensorDefinition:
    watched = of_family(built_in_rules(AlertSettings()), place.family)
    names = ", ".join(r.name for r in watched if place.service or r.metric != SERVICE)

    @dg.sensor(
        name=place.sensor,
        job=record_alerts_job,
        minimum_interval_seconds=TICK_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"{place.about} Rules: {names}, and those of config/monitoring.yaml on the"
        f" same metrics. Asks for {RECORD_ALERTS} once when an alert fires and once when it is"
        " over; it consumes nothing.",
    )
    def evaluate(
        context: dg.SensorEvaluationContext, trafficmon: Trafficmon
    ) -> dg.SensorResult | dg.SkipReason:
        try:
            settings = trafficmon.settings()
        except TrafficmonError as exc:
            return dg.SkipReason(str(exc))
        return _evaluated(place, Tick(context, settings, _remembered(context), clock()))

    return evaluate


def _evaluated(place: Place, tick: Tick) -> dg.SensorResult:
    settings = tick.settings
    sight = _seen(place, tick)
    rules = of_family(rules_in_force(settings.alerts), place.family)
    look = step(
        rules,
        sight.readings,
        tick.memory,
        now=tick.now,
        timing=Timing(settings.alerts.resolve_after, settings.alerts.remind_after),
        silenced=silenced_now(settings, tick.now),
        blind=sight.blind,
    )
    if look.left_out:
        tick.context.log.warning("%d alerts more than one sensor can keep", look.left_out)
    memory = msgspec.structs.replace(look.memory, notes=dict(sight.notes))
    cursor = msgspec.json.encode(memory).decode()
    if not look.changes:
        return dg.SensorResult(cursor=cursor, skip_reason=_summary(memory, sight))
    notices = [
        notice_of(c, rules, link_of(c.alert.metric, c.alert.labels, settings)) for c in look.changes
    ]
    for notice in notices:
        tick.context.log.warning("%s: %s", notice.state, notice.message)
    # By this key a tick that died half-way is gone on with: nothing is launched twice.
    run_key = f"{place.sensor} {tick.now!r}"
    return dg.SensorResult(
        cursor=cursor,
        run_requests=[_run_of(run_key, look.changes, notices)],
        asset_events=[_observation(notice) for notice in notices],
    )


def _run_of(run_key: str, changes: Sequence[Change], notices: Sequence[Notice]) -> dg.RunRequest:
    config = AlertChanges(
        changes=[
            AlertChange(notice=msgspec.to_builtins(notice), tell=change.tell, keep=change.keep)
            for change, notice in zip(changes, notices, strict=True)
        ]
    )
    return dg.RunRequest(
        run_key=run_key,
        run_config=dg.RunConfig(ops={"notifications": config, "lake__alerts": config}),
        tags={"trafficmon/reason": notices[0].id[:200]},
    )


def _observation(notice: Notice) -> dg.AssetObservation:
    return dg.AssetObservation(
        subject_of(notice.metric, notice.labels),
        description=f"{notice.state}: {notice.message}",
        metadata={
            "alert": notice.id,
            "what": notice.message,
            "state": notice.state,
            "severity": notice.severity,
            "value": notice.value,
            "threshold": notice.threshold,
            "link": dg.MetadataValue.url(notice.link),
        },
    )


def _seen(place: Place, tick: Tick) -> Sight:
    try:
        return within(LOOK_WITHIN_S, place.sensor, lambda: place.look(tick))
    except TookTooLong as exc:
        if place.service:
            return readers.unreachable(place.service, str(exc))
        return Sight((), problem=str(exc), blind=True)


def silenced_now(settings: Settings, now: float) -> Silenced:
    """What the silences of the settings cover at this moment."""
    zone, moment = ZoneInfo(settings.serving.dagster.time_zone), datetime.fromtimestamp(now, UTC)
    return Silenced(
        (silence.rule, silence.labels)
        for silence in settings.alerts.silences
        if silence.covers(moment, zone)
    )


def _remembered(context: dg.SensorEvaluationContext) -> Memory:
    if not context.cursor:
        return Memory()
    try:
        return msgspec.json.decode(context.cursor, type=Memory)
    except msgspec.DecodeError:
        context.log.warning("the cursor is of another version: alerts begin anew")
        return Memory()


def _summary(memory: Memory, sight: Sight) -> str:
    states = [f"{alert.id} {alert.state}" for alert in memory.alerts]
    parts = [f"{len(sight.readings)} readings", *(states[:10] or ["all well"])]
    return "; ".join([*parts, sight.problem] if sight.problem else parts)


alert_sensors: Sequence[dg.SensorDefinition] = tuple(map(_sensor, PLACES))
