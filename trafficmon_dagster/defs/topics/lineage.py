"""The streaming path as external assets: what runs outside Dagster, so that lineage is whole."""

import dagster as dg

from trafficmon_dagster.names import (
    API_KEYS,
    CAMERAS,
    KAFKA_TOPICS,
    LIVE_WALL,
    PLATFORM,
    PROVIDER,
    SOURCES,
    STREAMING,
    daemon,
    topic,
)


def _external(
    key: dg.AssetKey, description: str, kinds: set[str], *deps: dg.AssetKey
) -> dg.AssetSpec:
    return dg.AssetSpec(
        key,
        description=description,
        kinds=kinds,
        deps=list(deps),
        group_name=STREAMING,
        owners=PLATFORM,
    )


def _source(key: dg.AssetKey, description: str, kinds: set[str]) -> dg.AssetSpec:
    return dg.AssetSpec(
        key, description=description, kinds=kinds, group_name=SOURCES, owners=PLATFORM
    )


def _topic(name: str, description: str, *deps: dg.AssetKey) -> dg.AssetSpec:
    return _external(topic(name), description, {"kafka"}, *deps)


external_assets = [
    _topic("camera-control", "Which cameras are to run. Compacted; a tombstone stops a camera."),
    _source(
        CAMERAS,
        "Video sources: RTSP, HTTP, files, or synthetic junctions (`config/cameras.yaml`).",
        {"video"},
    ),
    _source(
        PROVIDER,
        "The provider: Qwen-VL, or the simulator where no key is configured.",
        {"ai"},
    ),
    _external(
        daemon("detection"),
        "Finds road users with YOLO and groups those close to each other.",
        {"python", "yolo"},
        CAMERAS,
        # It is the first to need the topics. An edge to each of them would hide the stream.
        KAFKA_TOPICS,
        topic("camera-control"),
    ),
    _topic(
        "detection-results", "What one frame of one camera shows, with groups.", daemon("detection")
    ),
    _external(
        daemon("tasks"),
        "Plans one assessment task a group, exactly once.",
        {"python"},
        topic("detection-results"),
    ),
    _topic("assessment-tasks", "Groups waiting for a verdict, kept 2 h.", daemon("tasks")),
    _topic("skipped-groups", "Groups like one asked a moment ago, kept 2 h.", daemon("tasks")),
    _external(
        daemon("scheduling"),
        "Has each group judged within the keys' limits; ends each task once.",
        {"python", "redis"},
        topic("assessment-tasks"),
        PROVIDER,
        API_KEYS,
    ),
    _topic(
        "risk-assessment-results",
        "How each task ended: assessed, expired or failed.",
        daemon("scheduling"),
    ),
    _external(
        daemon("aggregation"),
        "Merges the verdicts of a frame; keeps the latest and the alerts of each camera.",
        {"python", "redis"},
        topic("detection-results"),
        topic("risk-assessment-results"),
        topic("skipped-groups"),
    ),
    _topic(
        "dead-letters",
        "Messages that a stage cannot use, as they came: `<topic>.dlq` of each topic, kept 7 d. The"
        " job `replay_dead_letters` sends them back.",
        daemon("tasks"),
        daemon("scheduling"),
        daemon("aggregation"),
    ),
    _external(
        LIVE_WALL, "The API and the live wall in the browser.", {"web"}, daemon("aggregation")
    ),
]
