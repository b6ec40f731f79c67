"""Messages that the lake lost or could not read, fetched again from Kafka."""

from datetime import UTC, datetime
from typing import Literal

import dagster as dg
from pydantic import Field

from trafficmon_dagster.names import LAKE_WRITER
from trafficmon_dagster.resources import Trafficmon

BEGINNING = "beginning"


class BackfillConfig(dg.Config):
    """What to read again."""

    stream: Literal["all", "detections", "tasks", "assessments", "skipped"] = Field(
        description="Which topic, by the stream's name in the lake"
    )
    since: str = Field(
        default=BEGINNING,
        description="`beginning` of the topic, or a time such as 2026-11-25T06:00:00Z:"
        " when the messages came to Kafka",
    )


@dg.op(pool=LAKE_WRITER)
def read_again(
    context: dg.OpExecutionContext, config: BackfillConfig, trafficmon: Trafficmon
) -> None:
    """Bring what is missing; rows that are there stay as they are."""
    from streaming.lake.backfill import backfill as fill
    from streaming.lake.streams import STREAMS

    since = moment(config.since)
    with trafficmon.lake() as con:
        for stream in STREAMS:
            if config.stream in ("all", stream.name):
                brought = fill(con, trafficmon.settings().kafka, stream, since=since)
                context.log.info("%s: %s", stream.name, brought.rows)
                context.add_output_metadata(
                    {f"{stream.name}_messages": brought.messages}
                    | {f"{table}_rows": rows for table, rows in brought.rows.items()}
                )


@dg.job(
    description="Reads topics again, from their beginning or from a time, and adds what the lake"
    " has not. Safe at any time: no message comes twice."
)
def backfill() -> None:
    read_again()


def moment(text: str) -> datetime | None:
    """None for the beginning; a time without a zone is UTC.

    Raises:
        dg.Failure: it is neither.
    """
    if text.strip() == BEGINNING:
        return None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as exc:
        raise dg.Failure(f"since must be `{BEGINNING}` or a time, got {text!r}") from exc
    return found if found.tzinfo else found.replace(tzinfo=UTC)
