"""A run of the whole path under load, and its row in the lake."""

import json
import sys
from pathlib import Path
from typing import Any, Literal

import dagster as dg
from pydantic import Field

from streaming.lake import tables
from streaming.markdown import markdown_table, ms, share
from trafficmon_dagster.defs.benchmarks.process import MODULE
from trafficmon_dagster.defs.lake.tables import described
from trafficmon_dagster.names import BENCHMARKS, PLATFORM, table
from trafficmon_dagster.resources import Trafficmon

_AROUND_S = 600.0
"""For the start of many cameras and for the end; after this and the duration it is cut off."""


class BenchmarkConfig(dg.Config):
    """What is measured. `cameras` has no default: a benchmark takes the machine for minutes."""

    cameras: int = Field(
        description="How many synthetic cameras; 50 is what docs promise for", gt=0
    )
    duration_s: float = Field(default=600.0, description="Seconds that are measured", ge=5)
    warm_up_s: float = Field(default=30.0, description="Seconds before, which do not count", ge=0)
    interval_s: float = Field(default=1.8, description="Seconds between frames", gt=0)
    provider: Literal["simulator", "real"] = Field(
        default="simulator", description="Who judges; real is the configured one, and costs money"
    )
    pay: bool = Field(default=False, description="Needed with provider: real")
    keys: int = Field(default=10, description="Keys of the simulated provider", gt=0)
    gate: bool = Field(default=True, description="Whether repeated groups are skipped")


@dg.asset(
    key=table("benchmarks"),
    group_name=BENCHMARKS,
    kinds={"kafka", "duckdb"},
    owners=PLATFORM,
    metadata=described(tables.BENCHMARKS),
)
def benchmark_run(
    context: dg.AssetExecutionContext,
    config: BenchmarkConfig,
    trafficmon: Trafficmon,
    subprocesses: dg.PipesSubprocessClient,
) -> dg.MaterializeResult[Any]:
    """`trafficmon bench pipeline` in a stack of its own; one row a run, its report beside.

    Terminating the run ends everything that it started.
    """
    from streaming.lake.benchmarks import record

    if config.provider == "real" and not config.pay:
        raise dg.Failure("provider: real costs money; set pay: true once that is all right")
    settings = trafficmon.settings()
    report_file = (settings.reports_dir / "benchmarks" / f"{context.run_id}.json").absolute()
    subprocesses.run(
        context=context,
        command=[sys.executable, "-m", MODULE],
        extras={
            "task": "benchmark",
            "config_dir": trafficmon.config_dir,
            "deadline_s": config.duration_s + config.warm_up_s + _AROUND_S,
            "report_file": str(report_file),
            "load": {
                "cameras": config.cameras,
                "duration_s": config.duration_s,
                "warm_up_s": config.warm_up_s,
                "interval_s": config.interval_s,
                "provider": config.provider,
                "keys": config.keys,
                "gate": config.gate,
            },
        },
    )
    report = json.loads(report_file.read_text(encoding="utf-8"))
    with trafficmon.lake() as con:
        record(con, report)
    return dg.MaterializeResult(metadata=_metadata(report, report_file))


def _metadata(report: dict[str, Any], report_file: Path) -> dict[str, Any]:
    (result,) = report["results"]
    ours, providers = result["end_to_end_ms"] or {}, result["provider_ms"] or {}
    numbers = {
        **{f"{p}_ms": ours.get(p) for p in ("p50", "p95", "p99")},
        "provider_p95_ms": providers.get("p95"),
        "frames_per_s": result["frames_per_s"],
        "success_rate": result["success_rate"],
        "http_429": result["http_429"],
        "unaccounted": result["unaccounted"],
        "lag_end": result["lag_end"],
        "cores_busy": result["resources"]["cores_busy"],
    }
    summary = markdown_table(
        ("Figure", "Value"),
        [
            (
                "End to end P50, P95, P99",
                ", ".join(f"{ms(ours.get(p)) or '–'} ms" for p in ("p50", "p95", "p99")),
            ),
            (
                "Frames/s of those due",
                f"{result['frames_per_s']:g} of {result['frames']['due_per_s']:g}",
            ),
            ("Success rate", share(result["success_rate"])),
            ("429s, unaccounted", f"{result['http_429']}, {result['unaccounted']}"),
        ],
    )
    findings = "\n".join(f"- {text}" for text in result["findings"]) or "- nothing is wrong"
    return {
        "summary": dg.MetadataValue.md(summary),
        "findings": dg.MetadataValue.md(findings),
        "page": dg.MetadataValue.path(str(report_file.with_suffix(".html"))),
        **{name: float(value) for name, value in numbers.items() if value is not None},
    }
