"""The metrics that an alert rule may watch: a closed table, in units and labels. Pure."""

import difflib
from dataclasses import dataclass
from typing import Literal

Family = Literal["broker", "scheduler", "cameras", "lake", "runs"]
"""Where a metric is read, and so which sensor watches it."""


@dataclass(frozen=True, slots=True)
class Metric:
    """`labels` tell its series apart: a rule holds for each of them by itself. `alarm` is what an
    alert on it says where its rule has no description."""

    name: str
    unit: str
    labels: tuple[str, ...]
    family: Family
    about: str
    alarm: str


METRICS: tuple[Metric, ...] = (
    Metric(
        "end_to_end_latency_p95",
        "s",
        (),
        "scheduler",
        "Capture to verdict, P95 of the last five minutes, over all schedulers",
        "Verdicts come too late",
    ),
    Metric(
        "error_rate",
        "share",
        (),
        "scheduler",
        "Tasks of the last five minutes that expired or failed, of those that ended",
        "Too many tasks end without a verdict",
    ),
    Metric(
        "api_key_failure_rate",
        "share",
        ("key",),
        "scheduler",
        "Calls of the last five minutes without a usable answer, of a key's calls",
        "Too many calls with a key fail",
    ),
    Metric(
        "api_key_disabled",
        "0 or 1",
        ("key",),
        "scheduler",
        "1 while a key is not used, as the provider refuses it",
        "The provider refuses a key",
    ),
    Metric(
        "available_api_keys",
        "keys",
        (),
        "scheduler",
        "Keys that may be used now",
        "Too few API keys may be used",
    ),
    Metric(
        "kafka_consumer_lag",
        "messages",
        ("group", "topic"),
        "broker",
        "Messages that a consumer group has not committed yet",
        "A consumer group falls behind",
    ),
    Metric(
        "dead_letters",
        "messages",
        ("topic",),
        "broker",
        "Messages set aside on a dead-letter topic, until Kafka deletes them",
        "Messages were set aside",
    ),
    Metric(
        "daemon_silent",
        "0 or 1",
        ("daemon",),
        "broker",
        "1 while a daemon that ran before has no process in its consumer group, or the API gave no"
        " sign of life for 20 s",
        "A daemon is gone",
    ),
    Metric(
        "service_unreachable",
        "0 or 1",
        ("service",),
        "broker",
        "1 while kafka, redis or lake does not answer; each is watched by the sensor that asks it",
        "A service does not answer",
    ),
    Metric(
        "camera_offline",
        "0 or 1",
        ("camera",),
        "cameras",
        "1 while a camera that should run gives no frames",
        "A camera gives no frames",
    ),
    Metric(
        "lake_delay",
        "s",
        ("stream",),
        "lake",
        "Age of the oldest message the lake has not read, up to a fifth too low; 0 below a minute",
        "Ingestion falls behind the topics",
    ),
    Metric(
        "asset_overdue",
        "0 or 1",
        ("asset",),
        "runs",
        "1 while an asset's freshness policy fails",
        "An asset is not fresh",
    ),
    Metric(
        "failed_runs",
        "runs",
        ("job",),
        "runs",
        "Runs of a job that failed in a row up to now, within the last day",
        "Runs of a job fail",
    ),
)

BY_NAME = {metric.name: metric for metric in METRICS}


def check_metric(name: str) -> str:
    """The name, if there is such a metric; else ValueError with the nearest one."""
    if name in BY_NAME:
        return name
    near = difflib.get_close_matches(name, BY_NAME, n=1, cutoff=0.5)
    meant = f"did you mean {near[0]}?" if near else f"there are {', '.join(BY_NAME)}"
    raise ValueError(f"is not a metric; {meant}")
