"""The lake's table `alerts`: what fired and what is over, and who was told."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from streaming.lake.tables import ALERTS
from streaming.markdown import markdown_table
from trafficmon_dagster.names import ALERTING, NOTIFICATIONS, OPERATIONS, table
from trafficmon_dagster.resources import Trafficmon

if TYPE_CHECKING:
    from streaming.notify import Notice

RECORD_ALERTS = "record_alerts"
NOTHING_FIRES = "nothing_fires"
EVERYONE_TOLD = "everyone_told"
ALERTS_TABLE = table(ALERTS.name)


class AlertChange(dg.Config):
    """One alert that fires or is over, as its sensor saw it."""

    notice: dict[str, Any] = Field(description="What is told and kept, as in a webhook's JSON")
    tell: bool = Field(default=True, description="Whether people are told")
    keep: bool = Field(default=True, description="Whether it is a row of the lake")


class AlertChanges(dg.Config):
    """What the sensors found; nothing where this is materialized by hand."""

    changes: list[AlertChange] = Field(default=[], description="Left empty, nobody is told")


@dg.asset(
    key=NOTIFICATIONS,
    group_name=ALERTING,
    kinds={"python"},
    owners=OPERATIONS,
    check_specs=[
        dg.AssetCheckSpec(
            EVERYONE_TOLD,
            asset=NOTIFICATIONS,
            description="Every channel took the message. One that did not was tried three times;"
            " `trafficmon notify test` tries it again.",
        )
    ],
)
def notifications(
    context: dg.AssetExecutionContext, config: AlertChanges, trafficmon: Trafficmon
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    """Alerts as they are told: one message a channel for all that changed at once.

    The channels are `alerts.notification_channels` in `config/monitoring.yaml`.
    """
    from streaming.notify import deliver

    settings = trafficmon.settings()
    channels = [c for c in settings.alerts.notification_channels if c.enabled]
    told = [_notice(change) for change in config.changes if change.tell]
    deliveries = deliver(channels, told) if told else []
    for notice in told:
        context.log.info("%s: %s", notice.state, notice.message)
    failed = [d for d in deliveries if not d.delivered]
    rows = [
        (d.channel, d.kind, "sent" if d.delivered else "**failed**", d.tries, d.error or "")
        for d in deliveries
    ]
    columns = ("Channel", "Type", "State", "Tries", "Error")
    yield dg.MaterializeResult(
        metadata={
            "alerts": dg.MetadataValue.md(_as_table(told) if told else "Nobody was to be told."),
            "channels": dg.MetadataValue.md(
                markdown_table(columns, rows) if rows else "No channel was asked."
            ),
            "told": len(told) if channels else 0,
            "failed_channels": len(failed),
        }
    )
    yield dg.AssetCheckResult(
        check_name=EVERYONE_TOLD,
        asset_key=NOTIFICATIONS,
        passed=not failed,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={d.channel: d.error or "" for d in failed},
    )


@dg.asset(
    key=ALERTS_TABLE,
    group_name=ALERTING,
    kinds={"duckdb"},
    owners=OPERATIONS,
    # No pool: a long ingestion must not hold an alert back. A commit that loses a race is tried
    # again by itself, and the run's own retry waits out more.
    retry_policy=dg.RetryPolicy(max_retries=3, delay=5, backoff=dg.Backoff.EXPONENTIAL),
    metadata={
        "dagster/column_schema": dg.TableSchema(
            columns=[dg.TableColumn(c.name, c.type, c.description) for c in ALERTS.columns]
        ),
        "dagster/table_name": f"lake.{ALERTS.name}",
    },
    check_specs=[
        dg.AssetCheckSpec(NOTHING_FIRES, asset=ALERTS_TABLE, description="No alert is firing.")
    ],
)
def alerts(
    config: AlertChanges, trafficmon: Trafficmon
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    """One row each time an alert begins to fire or is over, and what fires now.

    The sensors launch this. By hand it writes nothing, and shows what fires.
    """
    from trafficmon_dagster.defs.alerts.rows import firing, row_count, write

    kept = [_notice(change) for change in config.changes if change.keep]
    with trafficmon.lake() as con:
        write(con, kept)
        open_now, rows = firing(con), row_count(con)
    yield dg.MaterializeResult(
        metadata={
            "firing": dg.MetadataValue.md(_firing_table(open_now)),
            "alerts_firing": len(open_now),
            "rows_added": len(kept),
            "dagster/row_count": rows,
        }
    )
    yield dg.AssetCheckResult(
        check_name=NOTHING_FIRES,
        asset_key=ALERTS_TABLE,
        passed=not open_now,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={alert_id: message for alert_id, _, _, message in open_now},
    )


record_alerts_job = dg.define_asset_job(
    RECORD_ALERTS,
    selection=dg.AssetSelection.assets(notifications, alerts),
    description="Tells of alerts that fire or are over, and keeps them in the lake. The alert"
    " sensors launch it; launched by hand it shows what fires.",
    tags={"dagster/priority": "10"},
)


def _notice(change: AlertChange) -> "Notice":
    import msgspec

    from streaming.notify import Notice

    return msgspec.convert(change.notice, Notice)


def _as_table(notices: "list[Notice]") -> str:
    rows = [(f"`{n.id}`", n.state, n.severity, n.message, f"[look]({n.link})") for n in notices]
    return markdown_table(("Alert", "State", "Severity", "What", "Where"), rows)


def _firing_table(open_now: list[tuple[str, str, datetime, str]]) -> str:
    if not open_now:
        return "Nothing fires."
    rows = [
        (f"`{alert}`", severity, f"{since:%Y-%m-%d %H:%M:%S}", message)
        for alert, severity, since, message in open_now
    ]
    return markdown_table(("Alert", "Severity", "Since, UTC", "What"), rows)
