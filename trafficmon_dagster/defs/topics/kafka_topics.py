"""Provisions the topics; complains about what it may not mend."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from streaming.markdown import markdown_table
from trafficmon_dagster.names import KAFKA_TOPICS, PLATFORM, PROVISIONING
from trafficmon_dagster.resources import Trafficmon

if TYPE_CHECKING:
    from streaming.settings import Topic

NO_DRIFT = "no_drift"
_COLUMNS = ("Topic", "Partitions", "Replicas", "Retention", "Done", "Drift")


@dg.asset(
    key=KAFKA_TOPICS,
    group_name=PROVISIONING,
    kinds={"kafka", "python"},
    owners=PLATFORM,
    check_specs=[
        dg.AssetCheckSpec(
            NO_DRIFT,
            asset=KAFKA_TOPICS,
            description="Every topic is as config/kafka.yaml says. Fails on what provisioning"
            " may not mend: other replication, more partitions than configured, a limit of bytes"
            " that deletes before the retention ends. Retention and compaction are mended.",
        )
    ],
)
def kafka_topics(
    trafficmon: Trafficmon,
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    """The topics of `config/kafka.yaml`, on the broker.

    Creates what is missing, adds partitions, sets retention; never shrinks or deletes.
    Run it again at any time.
    """
    from streaming.kafka.admin import ensure_topics

    kafka = trafficmon.settings().kafka
    wanted = {topic.name: topic for topic in kafka.topics.all()}
    states = ensure_topics(kafka)
    rows = [
        (
            f"`{state.name}`",
            state.partitions,
            state.replicas,
            _retention(wanted[state.name]),
            "created" if state.created else "; ".join(state.changes) or "as it was",
            "; ".join(state.drift) or "none",
        )
        for state in states
    ]
    drifting = [state for state in states if state.drift]
    yield dg.MaterializeResult(
        metadata={
            "topics": dg.MetadataValue.md(markdown_table(_COLUMNS, rows)),
            "broker": kafka.bootstrap_servers,
            "topic_count": len(states),
            "partition_count": sum(state.partitions for state in states),
            "created": sum(state.created for state in states),
            "mended": sum(bool(state.changes) for state in states),
            "drifting": len(drifting),
        }
    )
    yield dg.AssetCheckResult(
        check_name=NO_DRIFT,
        asset_key=KAFKA_TOPICS,
        passed=not drifting,
        metadata={state.name: "; ".join(state.drift) for state in drifting},
    )


def _retention(topic: "Topic") -> str:
    if topic.compacted:
        return "compacted"
    hours = topic.retention_ms / 3_600_000
    return f"{hours / 24:g} d" if hours > 24 else f"{hours:g} h"
