"""The thresholds of `config/monitoring.yaml`, held against the last five minutes."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from trafficmon_dagster.defs.alerts.rules import Change, Reading, changes
from trafficmon_dagster.markdown import markdown_table
from trafficmon_dagster.names import (
    ALERT_STATES,
    ALERTING,
    LAKE_WRITER,
    OPERATIONS,
    table,
)
from trafficmon_dagster.resources import Trafficmon

if TYPE_CHECKING:
    import duckdb

    from streaming.settings import Settings

WINDOW = timedelta(minutes=5)
WITHIN_THRESHOLDS = "within_thresholds"


@dg.asset(
    key=ALERT_STATES,
    deps=[table("assessments")],
    group_name=ALERTING,
    kinds={"duckdb", "kafka"},
    owners=OPERATIONS,
    pool=LAKE_WRITER,
    check_specs=[
        dg.AssetCheckSpec(
            WITHIN_THRESHOLDS,
            asset=ALERT_STATES,
            description="Nothing measured is over its threshold.",
        )
    ],
)
def alert_states(
    context: dg.AssetExecutionContext, trafficmon: Trafficmon
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    """P95 latency, error rate, Kafka lag and failures per key, against their thresholds.

    An alert that begins to fire or resolves is a row in the lake's `alerts`, once.
    """
    settings = trafficmon.settings()
    now = datetime.now(UTC).replace(tzinfo=None)
    with trafficmon.lake() as con:
        readings = _readings(con, settings, now - WINDOW)
        new = changes(readings, _states(con))
        _record(con, new, now)
    for change in new:
        context.log.warning("%s %s", change.state, change.reading.sentence)
    yield dg.MaterializeResult(
        metadata={
            "rules": dg.MetadataValue.md(
                markdown_table(("Rule", "State", "Seen", "Threshold"), map(_row, readings))
            ),
            "firing": sum(reading.breached for reading in readings),
            **{r.rule: float(r.value) for r in readings if r.value is not None},
        },
    )
    yield dg.AssetCheckResult(
        check_name=WITHIN_THRESHOLDS,
        asset_key=ALERT_STATES,
        passed=not any(reading.breached for reading in readings),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={r.rule: r.sentence for r in readings if r.breached},
    )


def _row(reading: Reading) -> tuple[object, ...]:
    seen = None if reading.value is None else f"{reading.value:,.3g}{reading.unit}"
    state = "**firing**" if reading.breached else "quiet"
    return reading.rule, state, seen, f"{reading.threshold:,g}{reading.unit}"


def _readings(
    con: "duckdb.DuckDBPyConnection", settings: "Settings", since: datetime
) -> list[Reading]:
    limits = settings.monitoring.alerts
    row = con.execute(
        """
        SELECT quantile_cont(end_to_end_ms, 0.95) FILTER (status = 'assessed') / 1000,
               count(*) FILTER (status <> 'assessed') / nullif(count(*), 0)
        FROM verdicts WHERE captured_at >= ?
        """,
        [since],
    ).fetchone()
    p95_s, error_rate = row or (None, None)
    worst_key = con.execute(
        """
        SELECT key_id, count(*) FILTER (status = 'failed') / count(*) AS failed
        FROM verdicts WHERE captured_at >= ? AND key_id IS NOT NULL
        GROUP BY key_id ORDER BY failed DESC LIMIT 1
        """,
        [since],
    ).fetchone()
    return [
        Reading(
            "latency_p95", p95_s, limits.latency_threshold_p95, " s", "capture to verdict, P95"
        ),
        Reading("error_rate", error_rate, limits.error_rate_threshold, "", "tasks not assessed"),
        _lag(settings),
        Reading(
            "api_key_failures",
            worst_key[1] if worst_key else None,
            limits.api_key_failure_threshold,
            "",
            f"failures of key {worst_key[0]}" if worst_key else "failures of a key",
        ),
    ]


def _lag(settings: "Settings") -> Reading:
    from streaming.kafka.admin import lag

    behind = lag(settings.kafka)
    threshold = settings.monitoring.alerts.kafka_lag_threshold
    if not behind:
        return Reading("kafka_lag", None, threshold, "", "lag of a consumer group")
    (group, topic), most = max(behind.items(), key=lambda item: item[1])
    return Reading("kafka_lag", float(most), threshold, "", f"lag of {group} on {topic}")


def _states(con: "duckdb.DuckDBPyConnection") -> dict[str, str]:
    rows = con.execute(
        "SELECT rule, arg_max(state, changed_at) FROM alerts GROUP BY rule"
    ).fetchall()
    return dict(rows)


def _record(con: "duckdb.DuckDBPyConnection", new: Sequence[Change], now: datetime) -> None:
    from streaming.lake.transaction import transaction

    rows = [
        (
            now,
            c.reading.rule,
            c.state,
            "warning",
            c.reading.value,
            c.reading.threshold,
            c.reading.sentence,
        )
        for c in new
    ]
    if rows:
        transaction(
            con, lambda: con.executemany("INSERT INTO alerts VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        )
