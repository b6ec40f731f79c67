"""Where the alert sensors look, a place each."""

from collections.abc import Callable
from dataclasses import dataclass

import dagster as dg

from streaming.settings import Settings
from streaming.settings.watched import Family
from trafficmon_dagster.defs.alerts.readers import Sight, broker, cameras, lake, runs, scheduler
from trafficmon_dagster.defs.alerts.states import Memory
from trafficmon_dagster.defs.alerts.table import RECORD_ALERTS


@dataclass(frozen=True, slots=True)
class Tick:
    """What a look may need: the settings, what was noted last time, Unix time in s."""

    context: dg.SensorEvaluationContext
    settings: Settings
    memory: Memory
    now: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sensor looks; `service` does not answer when the look takes too long."""

    sensor: str
    family: Family
    about: str
    look: Callable[[Tick], Sight]
    service: str | None = None


def _look_at_runs(tick: Tick) -> Sight:
    repository = tick.context.repository_def
    keys = repository.asset_graph.get_all_asset_keys() if repository else ()
    return runs.read(tick.context.instance, sorted(keys), RECORD_ALERTS, tick.now)


PLACES = (
    Place(
        "broker_alerts",
        "broker",
        "Kafka: lag of every consumer group, daemons that are gone, a broker that does not answer.",
        lambda tick: broker.read(tick.settings, tick.memory.notes),
        "kafka",
    ),
    Place(
        "scheduler_alerts",
        "scheduler",
        "The schedulers' last five minutes, in Redis: P95 latency, error rate, failures of each"
        " API key, keys that are refused, too few keys. And Redis itself, and the API daemon's sign"
        " of life there.",
        lambda tick: scheduler.read(tick.settings, tick.now),
        "redis",
    ),
    Place(
        "camera_alerts",
        "cameras",
        "Cameras that should run and give no frames, by the detection workers' own word in Redis.",
        lambda tick: cameras.read(tick.settings, tick.now),
    ),
    Place(
        "lake_alerts",
        "lake",
        "Freshness of the lake: how old the oldest message is that it has not read.",
        lambda tick: lake.read(tick.settings, tick.now),
        "lake",
    ),
    Place(
        "run_alerts",
        "runs",
        "Jobs whose last runs failed, and assets whose freshness policy fails.",
        _look_at_runs,
    ),
)
