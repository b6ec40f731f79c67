"""Ingestion: from each topic into its tables, every message once."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from streaming.lake.tables import ASSESSMENTS, DETECTED_OBJECTS, DETECTIONS, TASKS, Table
from trafficmon_dagster.markdown import markdown_table
from trafficmon_dagster.names import ANALYTICS, LAKE, LAKE_WRITER, table, topic
from trafficmon_dagster.resources import Trafficmon

NOTHING_REJECTED = "nothing_rejected"
NO_GAPS = "no_gaps"
EACH_MESSAGE_ONCE = "each_message_once"

_CHECKS = {
    EACH_MESSAGE_ONCE: "No message of the last day is in the table twice.",
    NOTHING_REJECTED: "Every message of this run was decoded. What was not is in `rejected`,"
    " with the reason.",
    NO_GAPS: "Kafka still had every message when it was read. What was lost is in"
    " `ingestion_gaps`.",
}


def _spec(of: Table, source: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        table(of.name),
        deps=[topic(source)],
        description=of.description,
        group_name=LAKE,
        kinds={"duckdb", "parquet"},
        owners=ANALYTICS,
        metadata={
            "dagster/column_schema": dg.TableSchema(
                columns=[
                    dg.TableColumn(column.name, column.type, column.description)
                    for column in of.columns
                ]
            ),
            "dagster/table_name": f"lake.{of.name}",
        },
    )


def _ingestion(stream_name: str, source: str, tables: tuple[Table, ...]) -> dg.AssetsDefinition:
    """The step that reads one topic; it has one asset for each table that it fills."""

    @dg.multi_asset(
        name=f"ingest_{stream_name}",
        specs=[_spec(of, source) for of in tables],
        check_specs=[
            dg.AssetCheckSpec(name, asset=table(tables[0].name), description=description)
            for name, description in _CHECKS.items()
        ],
        pool=LAKE_WRITER,
        retry_policy=dg.RetryPolicy(max_retries=2, delay=1, backoff=dg.Backoff.EXPONENTIAL),
    )
    def ingest_stream(
        trafficmon: Trafficmon,
    ) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        from streaming.lake.ingest import ingest
        from streaming.lake.streams import STREAMS
        from trafficmon_dagster.defs.lake.figures import repeated, row_count

        stream = next(stream for stream in STREAMS if stream.name == stream_name)
        with trafficmon.lake() as con:
            brought = ingest(con, trafficmon.settings().kafka, stream)
            rows = {of.name: row_count(con, of) for of in tables}
            twice = repeated(con, tables[0])
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
        first = table(tables[0].name)
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
        gaps = [(g.partition, g.first_offset, g.next_offset, g.reason) for g in brought.gaps]
        yield dg.AssetCheckResult(
            asset_key=first,
            check_name=NO_GAPS,
            passed=not gaps,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "gaps": dg.MetadataValue.md(
                    markdown_table(("Partition", "From", "To", "Reason"), gaps)
                )
            }
            if gaps
            else {},
        )

    return ingest_stream


ingestion_assets = [
    _ingestion("detections", "detection-results", (DETECTIONS, DETECTED_OBJECTS)),
    _ingestion("tasks", "assessment-tasks", (TASKS,)),
    _ingestion("assessments", "risk-assessment-results", (ASSESSMENTS,)),
]
