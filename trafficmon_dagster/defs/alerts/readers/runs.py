"""What Dagster's own storage knows: failed runs, assets that are not fresh."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from trafficmon_dagster.defs.alerts.readers import Sight
from trafficmon_dagster.defs.alerts.states import Reading

WITHIN = timedelta(days=1)
_MOST_FAILURES = 50
_MOST_IN_A_ROW = 20
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]


def read(
    instance: dg.DagsterInstance, assets: Sequence[dg.AssetKey], own_job: str, now: float
) -> Sight:
    """`own_job` tells of alerts: that it failed cannot be told by it."""
    since = datetime.fromtimestamp(now, UTC) - WITHIN
    return Sight((*_failed_runs(instance, own_job, since), *_overdue(instance, assets)))


def _failed_runs(instance: dg.DagsterInstance, own_job: str, since: datetime) -> Iterator[Reading]:
    failures = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=since)
    found = instance.get_run_records(failures, limit=_MOST_FAILURES)
    for job in sorted({record.dagster_run.job_name for record in found} - {own_job}):
        ended = dg.RunsFilter(job_name=job, statuses=_ENDED, updated_after=since)
        in_a_row = []
        for record in instance.get_run_records(ended, limit=_MOST_IN_A_ROW):
            if record.dagster_run.status == dg.DagsterRunStatus.SUCCESS:
                break
            in_a_row.append(record.dagster_run.run_id)
        detail = f"the last is {in_a_row[0]}" if in_a_row else ""
        yield Reading("failed_runs", len(in_a_row), {"job": job}, detail)


def _overdue(instance: dg.DagsterInstance, assets: Sequence[dg.AssetKey]) -> Iterator[Reading]:
    """Assets without a freshness policy have no state."""
    for key, record in instance.get_freshness_state_records(list(assets)).items():
        state = record.freshness_state.value
        if state in ("PASS", "WARN", "FAIL"):
            labels = {"asset": key.to_user_string()}
            yield Reading("asset_overdue", int(state == "FAIL"), labels)
