"""Kafka: lag, daemons by their consumer groups, dead letters."""

from collections.abc import Iterable, Mapping

from streaming.errors import KafkaUnreachable
from streaming.settings import Settings
from trafficmon_dagster.defs.alerts.readers import Sight, reachable, unreachable
from trafficmon_dagster.defs.alerts.states import Reading

DAEMONS = ("detection", "tasks", "scheduling", "aggregation")
BROKER_TIMEOUT_S = 3.0
_FLINK_MAY_RUN = ("tasks",)
"""A Flink job commits offsets for the group and is no member of it."""


def read(settings: Settings, notes: Mapping[str, int]) -> Sight:
    """Lag by group and topic, who is gone, what was set aside."""
    from streaming.kafka import admin
    from streaming.kafka.groups import members

    kafka = settings.kafka
    try:
        admin.wait_for_broker(kafka, BROKER_TIMEOUT_S)
        lag = admin.lag(kafka)
        present = members(kafka)
        letters = admin.watermarks(
            kafka, [topic.name for topic in kafka.topics.all() if topic.name.endswith(".dlq")]
        )
        positions = {
            group: sum(admin.committed(kafka, group, _names(settings)).values())
            for group in _FLINK_MAY_RUN
            if present.get(group) == 0
        }
    except KafkaUnreachable as exc:
        return unreachable("kafka", str(exc))
    set_aside: dict[str, int] = {}
    for (topic, _), (low, high) in letters.items():
        set_aside[topic] = set_aside.get(topic, 0) + high - low
    readings = [
        reachable("kafka"),
        *(
            Reading("kafka_consumer_lag", behind, {"group": group, "topic": topic})
            for (group, topic), behind in lag.items()
        ),
        *(Reading("dead_letters", count, {"topic": topic}) for topic, count in set_aside.items()),
        *silent(present, lag, positions, notes),
    ]
    return Sight(tuple(readings), positions)


def silent(
    present: Mapping[str, int],
    lag: Mapping[tuple[str, str], int],
    positions: Mapping[str, int],
    before: Mapping[str, int],
) -> Iterable[Reading]:
    """Which daemons are gone; one whose group the broker does not know never ran.

    What Flink may run counts as gone when work waits and its offsets stand where they stood.
    """
    for daemon in DAEMONS:
        if daemon not in present:
            continue
        gone = present[daemon] == 0
        if gone and daemon in _FLINK_MAY_RUN:
            waits = any(n for (group, _), n in lag.items() if group == daemon)
            gone = waits and positions.get(daemon) == before.get(daemon)
        why = "no process is in its consumer group" if gone else ""
        yield Reading("daemon_silent", int(gone), {"daemon": daemon}, why)


def _names(settings: Settings) -> list[str]:
    return [topic.name for topic in settings.kafka.topics.all()]
