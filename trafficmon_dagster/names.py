"""Keys, groups and owners: what the asset graph and the links in it are made of."""

import dagster as dg

SOURCES = "sources"
STREAMING = "streaming"
PROVISIONING = "provisioning"
LAKE = "lake"
REPORTS = "reports"
ALERTING = "alerting"
BENCHMARKS = "benchmarks"

PLATFORM = ["team:platform"]
ANALYTICS = ["team:analytics"]
OPERATIONS = ["team:operations"]

HOURLY_REPORTS = ("latency", "success_rate")
DAILY_REPORTS = ("slo", "cost", "camera", "risk")
REPORT_NAMES = (*HOURLY_REPORTS, *DAILY_REPORTS)

LAKE_WRITER = "lake_writer"
"""The pool of those who write to the lake: one at a time, the others wait in the queue."""

KAFKA_TOPICS = dg.AssetKey("kafka_topics")
API_KEYS = dg.AssetKey("api_keys")
CAPACITY_PLAN = dg.AssetKey("capacity_plan")
WAREHOUSE_FILE = dg.AssetKey("warehouse_file")
NOTIFICATIONS = dg.AssetKey("notifications")
BENCHMARK_HISTORY = dg.AssetKey("benchmark_history")

CAMERAS = dg.AssetKey("cameras")
PROVIDER = dg.AssetKey("vision_language_model")
LIVE_WALL = dg.AssetKey("live_wall")


def report(name: str) -> dg.AssetKey:
    """A report: `latency` is `latency_report`."""
    return dg.AssetKey(f"{name}_report")


def topic(name: str) -> dg.AssetKey:
    """A Kafka topic, by its default name."""
    return dg.AssetKey(["kafka", name])


def daemon(name: str) -> dg.AssetKey:
    """A long-running process, by the name that `trafficmon run` knows."""
    return dg.AssetKey(f"{name}_daemon")


def table(name: str) -> dg.AssetKey:
    """A table of the lake."""
    return dg.AssetKey(["lake", name])
