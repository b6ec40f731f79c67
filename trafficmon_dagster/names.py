"""Keys, groups and owners: what the asset graph and the links in it are made of."""

import dagster as dg

SOURCES = "sources"
STREAMING = "streaming"
PROVISIONING = "provisioning"
LAKE = "lake"
REPORTS = "reports"
ALERTING = "alerting"

PLATFORM = ["team:platform"]
ANALYTICS = ["team:analytics"]
OPERATIONS = ["team:operations"]

LAKE_WRITER = "lake_writer"
"""The pool of those who write to the lake: one at a time, the others wait in the queue."""

KAFKA_TOPICS = dg.AssetKey("kafka_topics")
API_KEY_HEALTH = dg.AssetKey("api_key_health")
LATENCY_REPORT = dg.AssetKey("latency_report")
ALERT_STATES = dg.AssetKey("alert_states")

CAMERAS = dg.AssetKey("cameras")
PROVIDER = dg.AssetKey("vision_language_model")
LIVE_WALL = dg.AssetKey("live_wall")


def topic(name: str) -> dg.AssetKey:
    """A Kafka topic, by its default name."""
    return dg.AssetKey(["kafka", name])


def daemon(name: str) -> dg.AssetKey:
    """A long-running process, by the name that `trafficmon run` knows."""
    return dg.AssetKey(f"{name}_daemon")


def table(name: str) -> dg.AssetKey:
    """A table of the lake."""
    return dg.AssetKey(["lake", name])
