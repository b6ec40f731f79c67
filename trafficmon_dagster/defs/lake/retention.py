"""Warns while there is time: messages that Kafka deletes soon and the lake has not read."""

from datetime import UTC, datetime

import dagster as dg

from streaming.lake.tables import ASSESSMENTS, DETECTIONS, SKIPPED_GROUPS, TASKS
from trafficmon_dagster.names import table
from trafficmon_dagster.resources import Trafficmon

READ_IN_TIME = "read_in_time"
TICK_S = 60
FIRST_TABLE = {
    "detections": DETECTIONS.name,
    "tasks": TASKS.name,
    "assessments": ASSESSMENTS.name,
    "skipped": SKIPPED_GROUPS.name,
}


@dg.sensor(
    name="retention_nears",
    minimum_interval_seconds=TICK_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=f"Fails the check `{READ_IN_TIME}` of a table once messages older than half of"
    " their topic's retention are not in the lake. It consumes nothing.",
)
def retention_nears(
    context: dg.SensorEvaluationContext, trafficmon: Trafficmon
) -> dg.SensorResult | dg.SkipReason:
    from streaming.errors import TrafficmonError

    try:
        behind = _behind(trafficmon)
    except TrafficmonError as exc:
        return dg.SkipReason(str(exc))
    # An empty cursor would not be stored.
    now = ",".join(sorted(behind)) or "none"
    if now == context.cursor:
        return dg.SkipReason("; ".join(behind.values()) or "everything is read in time")
    for sentence in behind.values():
        context.log.warning(sentence)
    return dg.SensorResult(
        cursor=now, asset_events=[_evaluation(name, behind.get(name)) for name in FIRST_TABLE]
    )


def _evaluation(stream: str, sentence: str | None) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        check_name=READ_IN_TIME,
        asset_key=table(FIRST_TABLE[stream]),
        passed=sentence is None,
        severity=dg.AssetCheckSeverity.WARN,
        description=sentence,
    )


def _behind(trafficmon: Trafficmon) -> dict[str, str]:
    """A sentence for each stream that loses messages soon."""
    from streaming.lake import LakeUnavailable
    from streaming.lake.falling_behind import falling_behind
    from streaming.lake.schema import version

    kafka, now = trafficmon.settings().kafka, datetime.now(UTC)
    try:
        with trafficmon.lake_to_read() as con:
            known = con if version(con) is not None else None
            found = falling_behind(known, kafka, now=now)
    except LakeUnavailable:
        found = falling_behind(None, kafka, now=now)
    return {behind.stream: behind.sentence for behind in found}
