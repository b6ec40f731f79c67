"""config/serving.yaml: where things listen and where the lake and the simulator are."""

import ipaddress
import re
import zoneinfo
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from streaming.settings.base import Section, matching
from streaming.settings.server_addresses import CatalogAddress, PostgresAddress


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise ValueError("must be a network such as 10.20.0.0/16") from None


def _zone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (OSError, ValueError, zoneinfo.ZoneInfoNotFoundError):
        raise ValueError("must be a time zone such as UTC or Asia/Shanghai") from None
    return name


def _size(text: str) -> str:
    found = _SIZE.fullmatch(text)
    if found is None or float(found[1]) * _UNITS[found[2].upper()] < LEAST_MEMORY_BYTES:
        raise ValueError("must be a size of 100MB or more, such as 512MB or 4GB")
    return text


LEAST_MEMORY_BYTES = 100_000_000
_UNITS = {"MB": 10**6, "GB": 10**9, "TB": 10**12, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
_SIZE = re.compile(rf"(\d{{1,12}}(?:\.\d{{1,6}})?) ?({'|'.join(_UNITS)})", re.IGNORECASE)
NetworkText = Annotated[str, AfterValidator(_network)]
Host = Annotated[
    str, matching(r"[A-Za-z0-9.:%_-]+", "be an address of this machine, or 0.0.0.0 or :: for all")
]
LOOPBACK = "127.0.0.1"


class ApiSettings(Section):
    """The HTTP API and the live wall."""

    port: int = Field(5000, ge=1, le=65_535, description="Port of the API and the live wall")


class DagsterSettings(Section):
    """Dagster: its web UI, its clock, its storage and what it keeps."""

    host: Host = Field(
        LOOPBACK,
        description="Address that Dagster's web UI listens on. It has no login: whoever reaches it "
        "may run and delete anything",
    )
    port: int = Field(3001, ge=1, le=65_535, description="Port of Dagster's web UI")
    time_zone: Annotated[str, AfterValidator(_zone)] = Field(
        "UTC",
        description="Time zone of schedules and of the reports' hours and days, "
        "for instance Asia/Shanghai",
    )
    storage: PostgresAddress | None = Field(
        None,
        description="postgresql://user:password@host/database of runs and events; "
        "unset: SQLite under the state folder",
    )
    max_concurrent_runs: int = Field(4, ge=1, le=1000, description="Most runs at once")
    max_run_seconds: int = Field(
        7200, ge=60, le=604_800, description="A run that takes longer is ended, s"
    )
    sensor_threads: int = Field(4, ge=1, le=64, description="Most sensors that look at once")
    keep_runs_days: float = Field(30, gt=0, le=3650, description="Runs are kept for so long, days")
    keep_frequent_runs_days: float = Field(
        2,
        gt=0,
        le=3650,
        description="Those of ingestion and of automation conditions, which come every few minutes",
    )
    keep_report_runs_days: float = Field(
        180, gt=0, le=3650, description="Those of the daily reports, and the reports' files"
    )
    keep_ticks_days: int = Field(
        7, ge=1, le=3650, description="Ticks of sensors that did something, or failed, days"
    )


class MetricsSettings(Section):
    """Prometheus metrics of the daemons."""

    host: Host = Field(
        LOOPBACK,
        description="Address that the daemons' metrics listen on, which have no login",
    )
    port: int = Field(9101, ge=1, le=65_435, description="First of the daemons' metrics ports")


class AggregationSettings(Section):
    """Merging the groups of a frame."""

    merge_timeout_s: float = Field(
        10, gt=0, le=600, description="After this an incomplete frame is shown as partial, s"
    )


class ServingSettings(Section):
    """The `serving` block."""

    host: Host = Field(
        LOOPBACK,
        description="Address that the API and the wall listen on; nothing else does. 0.0.0.0: all",
    )
    api: ApiSettings = Field(ApiSettings(), description="The HTTP API and the live wall")
    dagster: DagsterSettings = Field(DagsterSettings(), description="Dagster's web UI")
    metrics: MetricsSettings = Field(MetricsSettings(), description="Prometheus metrics")
    token: SecretStr | None = Field(
        None,
        min_length=8,
        description="Needed to listen on anything but this machine's own address",
    )
    trusted_proxies: tuple[NetworkText, ...] = Field(
        (),
        max_length=64,
        description="Networks of the proxies whose Forwarded and X-Forwarded-* headers are "
        "believed, for instance 127.0.0.1",
    )
    user_header: Annotated[str, matching(r"[A-Za-z0-9-]+", "be the name of a header")] | None = (
        Field(
            None,
            description="Header in which trusted proxies say who has logged in, for the log: "
            "X-Forwarded-User",
        )
    )
    camera_networks: tuple[NetworkText, ...] = Field(
        (),
        max_length=64,
        description="Inner networks whose cameras may be added over HTTP and WebSocket, "
        "for instance 10.20.0.0/16",
    )
    aggregation: AggregationSettings = Field(AggregationSettings(), description="Merging")


def is_loopback(host: str) -> bool:
    """True for an address or name that only this machine reaches."""
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_everywhere(host: str) -> bool:
    """True for an address that stands for all addresses of this machine: 0.0.0.0 and ::."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_unspecified
    except ValueError:
        return False


def http_address(host: str, port: int) -> str:
    """Where this machine finds what listens on host and port."""
    host = LOOPBACK if is_everywhere(host) else host.strip("[]")
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


OutcomeName = Literal[
    "throttled_requests", "throttled_tokens", "throttled_burst", "throttled_concurrency",
    "throttled", "owes_money", "key_refused", "model_refused", "model_missing", "content_refused",
    "request_refused", "overloaded", "unavailable", "timed_out", "cut_short", "empty",
    "not_a_provider",
]  # fmt: skip


class SimulatorSettings(Section):
    """The `simulator` block: the embedded provider, used while there is no real key."""

    host: Host = Field(
        LOOPBACK,
        description="Address that the simulator listens on; whoever reaches it may switch its "
        "faults",
    )
    port: int = Field(8900, ge=1, le=65_535, description="Port of the provider simulator")
    latency_median_ms: float = Field(800, ge=0, le=60_000, description="Median answer time, ms")
    latency_sigma: float = Field(0.35, ge=0, le=3, description="Spread of its logarithm")
    error_rate: float = Field(0.0, ge=0, le=1, description="Share answered 5xx")
    hang_rate: float = Field(0.0, ge=0, le=1, description="Share never answered")
    malformed_rate: float = Field(0.0, ge=0, le=1, description="Share answered with broken JSON")
    slow_rate: float = Field(0.0, ge=0, le=1, description="Share answered drop by drop")
    preset: Literal[
        "dashscope", "openai", "azure", "openrouter", "deepseek", "zhipu", "moonshot", "vllm",
        "ollama", "other",
    ] = Field("dashscope", description="Whose words and codes its errors have")  # fmt: skip
    outcomes: dict[OutcomeName, Annotated[float, Field(ge=0, le=1)]] = Field(
        {},
        description="Shares of calls that end so: {overloaded: 0.05}; docs/providers.md names them",
    )
    key_outcomes: dict[str, OutcomeName] = Field(
        {}, description="How every call of a key ends: {sim-1: owes_money}"
    )
    dead_keys: tuple[str, ...] = Field((), description="Ids of keys answered 401")
    seed: int = Field(1, description="Of its random numbers")


class KeepDays(Section):
    """The `lake.keep_days` block: whole days, by capture; 0 keeps for ever."""

    detections: int = Field(180, ge=0, description="Of detections; 0: for ever")
    detected_objects: int = Field(90, ge=0, description="Of detected_objects; 0: for ever")
    tasks: int = Field(365, ge=0, description="Of tasks; 0: for ever")
    assessments: int = Field(730, ge=0, description="Of assessments; 0: for ever")
    llm_calls: int = Field(180, ge=0, description="Of llm_calls; 0: for ever")
    skipped_groups: int = Field(180, ge=0, description="Of skipped_groups; 0: for ever")
    rejected: int = Field(30, ge=0, description="Of rejected; 0: for ever")
    alerts: int = Field(730, ge=0, description="Of alerts; 0: for ever")


class S3Settings(Section):
    """The `lake.s3` block: object storage that speaks S3, where `lake.data_path` is s3://…"""

    endpoint: str = Field("s3.amazonaws.com", description="host:port of the storage")
    region: str = Field("us-east-1", description="Its region")
    key_id: str | None = Field(None, description="Access key's id; unset: anonymous")
    secret: SecretStr | None = Field(None, description="Access key's secret")
    use_ssl: bool = Field(True, description="https; false for a storage on this machine")
    path_style: bool = Field(False, description="Bucket in the path, as most besides AWS want it")


class LakeSettings(Section):
    """The `lake` block."""

    catalog: CatalogAddress | None = Field(
        None, description="postgres:… ; unset: SQLite under the state folder"
    )
    data_path: str | None = Field(
        None, description="Folder or bucket of the Parquet files; unset: under the state folder"
    )
    s3: S3Settings = Field(S3Settings(), description="Object storage")
    memory_limit: Annotated[str, AfterValidator(_size)] = Field(
        "1GB", description="Most memory of each of DuckDB's connections, 512MB, 4GB; more spills"
    )
    threads: int = Field(
        2, ge=1, le=1024, description="Most threads of each of DuckDB's connections"
    )
    keep_days: KeepDays = Field(KeepDays(), description="Retention of each table")
    warehouse_days: int = Field(
        7, ge=1, description="Days that warehouse.duckdb, the copy in one file, goes back"
    )
