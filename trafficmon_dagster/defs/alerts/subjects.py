"""Which asset an alert is about, and the page where a person looks next."""

from collections.abc import Mapping
from urllib.parse import quote

import dagster as dg

from streaming.settings import Settings
from streaming.settings.serving import http_address
from streaming.settings.watched import BY_NAME
from trafficmon_dagster.defs.alerts.table import ALERTS_TABLE
from trafficmon_dagster.names import (
    API_KEYS,
    CAMERAS,
    KAFKA_TOPICS,
    LIVE_WALL,
    daemon,
    table,
)

_DAEMONS = ("detection", "tasks", "scheduling", "aggregation")
_FIRST_TABLE = {"skipped": "skipped_groups"}
_LIVE = ("broker", "scheduler", "cameras")
_OF_SERVICE = {"kafka": KAFKA_TOPICS, "redis": LIVE_WALL}


def subject_of(metric: str, labels: Mapping[str, str]) -> dg.AssetKey:  # noqa: PLR0911 - one a metric
    """The asset; the table of alerts where there is no nearer one."""
    match metric, labels:
        case "kafka_consumer_lag", {"group": name} if name in _DAEMONS:
            return daemon(name)
        case "daemon_silent", {"daemon": name}:
            return LIVE_WALL if name == "api" else daemon(name)
        case "dead_letters", _:
            return KAFKA_TOPICS
        case (("end_to_end_latency_p95" | "error_rate"), _):
            return daemon("scheduling")
        case (("api_key_failure_rate" | "api_key_disabled" | "available_api_keys"), _):
            return API_KEYS
        case "camera_offline", _:
            return CAMERAS
        case "lake_delay", {"stream": stream}:
            return table(_FIRST_TABLE.get(stream, stream))
        case "asset_overdue", {"asset": key}:
            return dg.AssetKey.from_user_string(key)
        case "service_unreachable", {"service": service}:
            return _OF_SERVICE.get(service, ALERTS_TABLE)
        case _:
            return ALERTS_TABLE


def link_of(metric: str, labels: Mapping[str, str], settings: Settings) -> str:
    """The wall for what is live, Dagster's page of the asset or the runs for the rest."""
    serving, alerts = settings.serving, settings.alerts
    here = http_address(serving.host, serving.api.port)
    dagster_here = http_address(serving.dagster.host, serving.dagster.port)
    wall = (alerts.wall_url or here).rstrip("/")
    dagster = (alerts.dagster_url or dagster_here).rstrip("/")
    match metric, labels:
        case "camera_offline", {"camera": camera}:
            return f"{wall}/#/camera/{quote(camera, safe='')}"
        case "failed_runs", {"job": job}:
            return f"{dagster}/runs?q[0]={quote(f'job:{job}')}"
        case "service_unreachable", {"service": "lake"}:
            return f"{dagster}/assets/{'/'.join(ALERTS_TABLE.path)}"
        case _ if BY_NAME[metric].family in _LIVE:
            return f"{wall}/#/system"
        case _:
            return f"{dagster}/assets/{'/'.join(map(quote, subject_of(metric, labels).path))}"
