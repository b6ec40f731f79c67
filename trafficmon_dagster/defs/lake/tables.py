"""Ingestion: from each topic into its tables, every message once."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import dagster as dg

from streaming.lake.tables import (
    ASSESSMENTS,
    DETECTED_OBJECTS,
    DETECTIONS,
    LLM_CALLS,
    SKIPPED_GROUPS,
    TASKS,
    Table,
)
from streaming.markdown import markdown_table
from trafficmon_dagster.defs.lake.retention import READ_IN_TIME
from trafficmon_dagster.names import ANALYTICS, LAKE, LAKE_WRITER, table, topic
from trafficmon_dagster.resources import Trafficmon

NOTHING_REJECTED = "nothing_rejected"
NO_GAPS = "no_gaps"
IN_ORDER = "times_in_order"
KNOWN = "verdicts_are_known"
EACH_MESSAGE_ONCE = "each_message_once"

_CHECKS = {
    EACH_MESSAGE_ONCE: "No message of the last day is in the table twice.",
    NOTHING_REJECTED: "Every message of this run was decoded. What was not is in `rejected`,"
    " with the reason.",
    READ_IN_TIME: "Nothing unread is older than half of its topic's retention: ingestion is well"
    " ahead of what Kafka deletes. The sensor `retention_nears` looks every minute.",
    NO_GAPS: "No offset of the topic was gone from Kafka before it was read, in the last day. What"
    " was lost is in `ingestion_gaps`.",
    IN_ORDER: "Captured, published, planned, judged: no time of a row of the last day is before the"
    " one that it follows. If some are, clocks of machines differ, and latencies are wrong.",
}
_OF_VERDICTS = {
    KNOWN: "The share of the last hour's verdicts without a risk level, because the task expired"
    " or failed, is within alerts.error_rate_threshold.",
}
_GAP = ("Partition", "From", "To", "Reason")
_FRESH = dg.FreshnessPolicy.time_window(
    warn_window=timedelta(minutes=10), fail_window=timedelta(minutes=30)
)


def _spec(of: Table, source: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        table(of.name),
        deps=[topic(source)],
        description=of.description,
        group_name=LAKE,
        kinds={"duckdb", "parquet"},
        owners=ANALYTICS,
        freshness_policy=_FRESH,
        metadata=described(of),
    )


def described(of: Table) -> dict[str, Any]:
    """A table's name and columns, as the UI shows them."""
    columns = [dg.TableColumn(c.name, c.type, c.description) for c in of.columns]
    return {
        "dagster/column_schema": dg.TableSchema(columns=columns),
        "dagster/table_name": f"lake.{of.name}",
    }


def _ingestion(stream_name: str, source: str, tables: tuple[Table, ...]) -> dg.AssetsDefinition:
    """The step that reads one topic; it has one asset for each table that it fills."""
    first = table(tables[0].name)
    checks = _CHECKS | (_OF_VERDICTS if ASSESSMENTS in tables else {})

    @dg.multi_asset(
        name=f"ingest_{stream_name}",
        specs=[_spec(of, source) for of in tables],
        check_specs=[
            dg.AssetCheckSpec(name, asset=first, description=description)
            for name, description in checks.items()
        ],
        pool=LAKE_WRITER,
        retry_policy=dg.RetryPolicy(max_retries=2, delay=1, backoff=dg.Backoff.EXPONENTIAL),
    )
    def ingest_stream(
        trafficmon: Trafficmon,
    ) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        from streaming.lake.ingest import ingest
        from streaming.lake.streams import STREAMS
        from trafficmon_dagster.defs.lake import figures

        settings = trafficmon.settings()
        stream = next(stream for stream in STREAMS if stream.name == stream_name)
        with trafficmon.lake() as con:
            brought = ingest(con, settings.kafka, stream)
            rows = {of.name: figures.row_count(con, of) for of in tables}
            twice = figures.repeated(con, tables[0])
            backwards = figures.out_of_order(con, tables[0])
            lost = figures.gaps(con, stream.topic(settings.kafka))
            verdicts, unknown = figures.unknown_share(con) if KNOWN in checks else (0, 0.0)
        for of in tables:
            yield dg.MaterializeResult(
                asset_key=table(of.name),
                metadata={
                    "dagster/row_count": rows[of.name],
                    "rows_added": brought.rows[of.name],
                    "messages": brought.messages,
                    "rejected": brought.rejected,
                    "batches": brought.batches,
                },
            )
        yield dg.AssetCheckResult(
            asset_key=first,
            check_name=EACH_MESSAGE_ONCE,
            passed=twice == 0,
            metadata={"repeated": twice},
        )
        yield dg.AssetCheckResult(
            asset_key=first,
            check_name=NOTHING_REJECTED,
            passed=brought.rejected == 0,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"rejected": brought.rejected},
        )
        # What this run brought was read in time; what was not is a gap.
        yield dg.AssetCheckResult(asset_key=first, check_name=READ_IN_TIME, passed=True)
        yield dg.AssetCheckResult(
            asset_key=first,
            check_name=NO_GAPS,
            passed=not lost,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"gaps": dg.MetadataValue.md(markdown_table(_GAP, lost))} if lost else {},
        )
        yield dg.AssetCheckResult(
            asset_key=first,
            check_name=IN_ORDER,
            passed=backwards == 0,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"out_of_order": backwards},
        )
        if KNOWN in checks:
            yield dg.AssetCheckResult(
                asset_key=first,
                check_name=KNOWN,
                passed=unknown <= settings.alerts.error_rate_threshold,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={"verdicts": verdicts, "unknown_share": unknown},
            )

    return ingest_stream


ingestion_assets = [
    _ingestion("detections", "detection-results", (DETECTIONS, DETECTED_OBJECTS)),
    _ingestion("tasks", "assessment-tasks", (TASKS,)),
    _ingestion("assessments", "risk-assessment-results", (ASSESSMENTS, LLM_CALLS)),
    _ingestion("skipped", "skipped-groups", (SKIPPED_GROUPS,)),
]
