"""config/serving.yaml: where things listen and where Redis, the lake and the simulator are."""

import ipaddress
from typing import Annotated

from pydantic import Field, SecretStr

from streaming.settings.base import Section, matching

DEFAULT_REDIS_URL = "redis://127.0.0.1:6379/0"


class ApiSettings(Section):
    """The HTTP API and the live wall."""

    port: int = Field(5000, ge=1, le=65_535, description="Port of the API and the live wall")


class DagsterSettings(Section):
    """Dagster's web UI."""

    port: int = Field(3001, ge=1, le=65_535, description="Port of Dagster's web UI")


class MetricsSettings(Section):
    """Prometheus metrics of the daemons."""

    port: int = Field(9101, ge=1, le=65_435, description="First of the daemons' metrics ports")


class AggregationSettings(Section):
    """Merging the groups of a frame."""

    merge_timeout_s: float = Field(
        10, gt=0, le=600, description="After this an incomplete frame is shown as partial, s"
    )


class ServingSettings(Section):
    """The `serving` block."""

    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on")
    api: ApiSettings = Field(ApiSettings(), description="The HTTP API and the live wall")
    dagster: DagsterSettings = Field(DagsterSettings(), description="Dagster's web UI")
    metrics: MetricsSettings = Field(MetricsSettings(), description="Prometheus metrics")
    token: SecretStr | None = Field(
        None,
        min_length=8,
        description="Needed to listen on anything but this machine's own address",
    )
    aggregation: AggregationSettings = Field(AggregationSettings(), description="Merging")


def is_loopback(host: str) -> bool:
    """True for an address or name that only this machine reaches."""
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class RedisSettings(Section):
    """The `redis` block."""

    url: Annotated[
        str, matching(r"(rediss?|unix)://\S+", "be redis://host:port/db, rediss:// or unix://")
    ] = Field(DEFAULT_REDIS_URL, description="redis://host:port/db, rediss:// or unix://")
    timeout_s: float = Field(5, gt=0, le=120, description="Longest wait for an answer, s")


class SimulatorSettings(Section):
    """The `simulator` block: the embedded provider, used while there is no real key."""

    port: int = Field(8900, ge=1, le=65_535, description="Port of the provider simulator")
    latency_median_ms: float = Field(800, ge=0, le=60_000, description="Median answer time, ms")
    latency_sigma: float = Field(0.35, ge=0, le=3, description="Spread of its logarithm")
    error_rate: float = Field(0.0, ge=0, le=1, description="Share answered 5xx")
    hang_rate: float = Field(0.0, ge=0, le=1, description="Share never answered")
    malformed_rate: float = Field(0.0, ge=0, le=1, description="Share answered with broken JSON")
    slow_rate: float = Field(0.0, ge=0, le=1, description="Share answered drop by drop")
    dead_keys: tuple[str, ...] = Field((), description="Ids of keys answered 401")
    seed: int = Field(1, description="Of its random numbers")


class LakeSettings(Section):
    """The `lake` block."""

    catalog: str | None = Field(
        None, description="postgres:… ; unset: SQLite under the state folder"
    )
    data_path: str | None = Field(
        None, description="Folder or bucket of the Parquet files; unset: under the state folder"
    )
