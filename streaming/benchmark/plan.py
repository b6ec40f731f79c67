"""How much a number of cameras takes, reckoned from measured runs of the whole path. Pure.

Cores by `core_lines`; everything else is proportional to the largest of the runs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from streaming.benchmark.core_lines import DRIVERS, Line, Rates, fitted, result_of

MULTIPLIED = ("detection", "tasks", "scheduling", "aggregation", "api")
"""Those of which more processes are started; Kafka and Redis grow by brokers and shards."""

HEADROOM = 0.7
"""A process is planned to use so much of one core: Python runs on one, and peaks need room."""
KEY_HEADROOM = 0.85
_LEAST_PARTITIONS = 16
_PARTITIONS_EACH = 2
_DAY_S = 86_400

DETECTION_BYTES, OBJECT_BYTES, RESULT_BYTES = 450.0, 125.0, 750.0
"""On the wire: a detection of eight objects has 1,450 bytes, a task and a verdict about 750."""
LAKE_ASSESSMENT_BYTES = 72.6
"""Parquet a row, by `trafficmon bench lake`."""
LAKE_ROW_BYTES = 30.0
"""Of detections, objects and tasks: an assumption until it is measured."""
REDIS_EMPTY_MB = 10.0


@dataclass(frozen=True, slots=True)
class Process:
    """One kind of process: how many, the cores and the memory of all of them."""

    name: str
    count: int
    cores: float
    memory_mb: float


@dataclass(frozen=True, slots=True)
class Plan:
    """`storage` and `cost` are a day's; the cost in the provider's currency, None without one."""

    cameras: int
    rates: Rates
    processes: tuple[Process, ...]
    partitions: int
    keys: int
    pictures_mb: float
    kafka_gb_a_day: float
    lake_gb_a_day: float
    cost_a_day: float | None

    @property
    def cores(self) -> float:
        """Of all processes, at work: machines need 1/0.7 of it."""
        return sum(process.cores for process in self.processes)

    @property
    def memory_mb(self) -> float:
        return sum(process.memory_mb for process in self.processes)


def plan(
    reports: Sequence[Mapping[str, Any]],
    *,
    cameras: int,
    interval_s: float,
    prices: tuple[float, float] = (0.0, 0.0),
    image_ttl_s: float = 300.0,
) -> Plan:
    """What so many cameras take. `prices` are for 1,000 prompt and completion tokens."""
    largest = max(reports, key=lambda report: float(result_of(report)["frames_per_s"]))
    measured, lines = result_of(largest), fitted(reports)
    frames = cameras / interval_s
    rates = Rates(frames, frames * measured["tasks_per_s"] / measured["frames_per_s"])
    pictures_mb = frames * image_ttl_s * picture_mb(largest, image_ttl_s)
    processes = tuple(
        _process(name, line, rates, measured, pictures_mb) for name, line in lines.items()
    )
    members = max((p.count for p in processes if p.name in MULTIPLIED), default=1)
    return Plan(
        cameras=cameras,
        rates=rates,
        processes=processes,
        partitions=_power_of_two(max(_LEAST_PARTITIONS, members * _PARTITIONS_EACH)),
        keys=ceil(rates.tasks * measured["calls_per_task"] / (_per_key(largest) * KEY_HEADROOM)),
        pictures_mb=pictures_mb,
        kafka_gb_a_day=_kafka_bytes(rates, measured) * _DAY_S / 1e9,
        lake_gb_a_day=_lake_bytes(rates, measured) * _DAY_S / 1e9,
        cost_a_day=_cost_a_task(measured, prices) * rates.tasks * _DAY_S if any(prices) else None,
    )


def picture_mb(report: Mapping[str, Any], ttl_s: float) -> float:
    """Redis's memory for the pictures of one frame, from its size at the end of a run."""
    result, settings = result_of(report), report["settings"]
    redis = result["resources"]["processes"].get("redis")
    kept_s = min(ttl_s, settings["warm_up_s"] + settings["duration_s"])
    frames = result["frames_per_s"] * kept_s
    return max(0.0, redis["rss_mb"] - REDIS_EMPTY_MB) / frames if redis and frames else 0.0


def _process(
    name: str, line: Line, rates: Rates, measured: Mapping[str, Any], pictures_mb: float
) -> Process:
    cores = line.at(rates.of(DRIVERS[name]))
    count = max(1, ceil(cores / HEADROOM)) if name in MULTIPLIED else 1
    each_mb = measured["resources"]["processes"][name]["rss_mb"]
    memory_mb = REDIS_EMPTY_MB + pictures_mb if name == "redis" else each_mb * count
    return Process(name, count, cores, memory_mb)


def _per_key(report: Mapping[str, Any]) -> float:
    return float(report["settings"]["allowed_calls_per_s"] / report["settings"]["api_keys"])


def _kafka_bytes(rates: Rates, measured: Mapping[str, Any]) -> float:
    frame = DETECTION_BYTES + OBJECT_BYTES * _objects(measured)
    return rates.frames * frame + rates.tasks * 2 * RESULT_BYTES


def _lake_bytes(rates: Rates, measured: Mapping[str, Any]) -> float:
    rows = rates.frames * (1 + _objects(measured)) + rates.tasks
    return rows * LAKE_ROW_BYTES + rates.tasks * LAKE_ASSESSMENT_BYTES


def _objects(measured: Mapping[str, Any]) -> float:
    return float(measured["detections_per_s"] / measured["frames_per_s"])


def _cost_a_task(measured: Mapping[str, Any], prices: Iterable[float]) -> float:
    tokens = measured["tokens"]["prompt"], measured["tokens"]["completion"]
    paid = sum(n * price for n, price in zip(tokens, prices, strict=True)) / 1000
    return float(paid / measured["tasks"])


def _power_of_two(least: int) -> int:
    return 1 << (least - 1).bit_length()
