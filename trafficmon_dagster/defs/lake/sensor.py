"""Asks for an ingestion run when enough messages wait, or when some have waited long enough."""

import time
from dataclasses import dataclass

import dagster as dg

from trafficmon_dagster.jobs import INGESTION, ingestion_job
from trafficmon_dagster.resources import Trafficmon

MESSAGES_ENOUGH = 20_000
WAIT_AT_MOST_S = 120.0
TICK_S = 15
NOTHING = "nothing"
"""A cursor that is empty is not stored: the one before it would stay."""
_UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


@dataclass(frozen=True, slots=True)
class Decision:
    """`run` or not and why; `waiting_since` (Unix time, s) is kept for the next tick."""

    run: bool
    reason: str
    waiting_since: float | None


def decide(waiting: int, waiting_since: float | None, now: float) -> Decision:
    """Run for 20,000 messages, or for any that were first seen waiting two minutes ago."""
    if waiting == 0:
        return Decision(run=False, reason="nothing waits", waiting_since=None)
    since = now if waiting_since is None else waiting_since
    if waiting >= MESSAGES_ENOUGH:
        return Decision(run=True, reason=f"{waiting:,} messages wait", waiting_since=None)
    if now - since >= WAIT_AT_MOST_S:
        reason = f"{waiting:,} messages wait, some for {now - since:.0f} s"
        return Decision(run=True, reason=reason, waiting_since=None)
    reason = f"{waiting:,} messages wait, {now - since:.0f} s so far"
    return Decision(run=False, reason=reason, waiting_since=since)


@dg.sensor(
    name="messages_wait",
    job=ingestion_job,
    minimum_interval_seconds=TICK_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Compares the topics' ends with the offsets in the lake; it consumes nothing."
    f" Asks for `{INGESTION}` when {MESSAGES_ENOUGH:,} messages wait or some have waited"
    f" {WAIT_AT_MOST_S:.0f} s.",
)
def messages_wait(
    context: dg.SensorEvaluationContext, trafficmon: Trafficmon
) -> dg.SensorResult | dg.SkipReason:
    from streaming.errors import TrafficmonError

    under_way = dg.RunsFilter(job_name=INGESTION, statuses=_UNDER_WAY)
    if context.instance.get_runs_count(under_way):
        return dg.SkipReason("an ingestion is under way")
    try:
        waiting = _waiting(trafficmon)
    except TrafficmonError as exc:
        return dg.SkipReason(str(exc))
    since = None if context.cursor in (None, "", NOTHING) else float(context.cursor)
    decision = decide(waiting, since, time.time())
    cursor = NOTHING if decision.waiting_since is None else repr(decision.waiting_since)
    if not decision.run:
        context.update_cursor(cursor)
        return dg.SkipReason(decision.reason)
    return dg.SensorResult(
        run_requests=[dg.RunRequest(tags={"trafficmon/reason": decision.reason})], cursor=cursor
    )


def _waiting(trafficmon: Trafficmon) -> int:
    """Messages on the topics that are not in the lake; a lake that is not there has none."""
    from streaming.lake import LakeUnavailable
    from streaming.lake.offsets import positions
    from streaming.lake.plan import plan
    from streaming.lake.schema import version
    from streaming.lake.source import topic_ends
    from streaming.lake.streams import STREAMS

    kafka = trafficmon.settings().kafka
    ends = topic_ends(kafka, [stream.topic(kafka) for stream in STREAMS])
    stored: dict[str, dict[tuple[str, int], int]] = {}
    try:
        with trafficmon.lake_to_read() as con:
            if version(con) is not None:
                stored = {stream.name: positions(con, stream.name) for stream in STREAMS}
    except LakeUnavailable:
        stored = {}
    return sum(
        plan(ends[stream.topic(kafka)], stored.get(stream.name, {})).waiting
        for stream in STREAMS
        if stream.topic(kafka) in ends
    )
