"""All benchmarks of this lake: trends on each machine, and whether the last run is a regression."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from streaming.markdown import markdown_table, ms, share
from trafficmon_dagster.names import BENCHMARK_HISTORY, BENCHMARKS, PLATFORM, table
from trafficmon_dagster.resources import Trafficmon

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NO_REGRESSION = "no_regression"
_COLUMNS = ("When (UTC)", "Cameras", "s", "P50 ms", "P95 ms", "Provider P95", "Success", "Cores")


@dg.asset(
    key=BENCHMARK_HISTORY,
    deps=[table("benchmarks")],
    group_name=BENCHMARKS,
    kinds={"duckdb", "matplotlib"},
    owners=PLATFORM,
    check_specs=[
        dg.AssetCheckSpec(
            NO_REGRESSION,
            asset=BENCHMARK_HISTORY,
            description="The last run is not worse, beyond noise, than the median of those before "
            "it on the same machine with the same settings.",
        )
    ],
)
def benchmark_history(
    trafficmon: Trafficmon,
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    """Every run by machine, newest first, with a plot of P50 and P95 over time."""
    from streaming.lake.benchmarks import comparable, history

    with trafficmon.lake() as con:
        rows, reports = history(con), comparable(con)
    machines = sorted({row["machine"] for row in rows})
    parts = [_of_machine(name, [r for r in rows if r["machine"] == name]) for name in machines]
    yield dg.MaterializeResult(
        metadata={
            "trends": dg.MetadataValue.md("\n\n".join(parts) or "No benchmark yet."),
            "runs": len(rows),
            "machines": len(machines),
        }
    )
    yield _check(reports)


def _check(reports: Sequence[Mapping[str, Any]]) -> dg.AssetCheckResult:
    """Passes as long as there is nothing to compare with."""
    from streaming.benchmark.pipeline.compare import compare_with_many, readable

    results = [report["results"][0] for report in reports]
    changes = compare_with_many(results[1:], results[0]) if len(results) > 1 else []
    worse = [change for change in changes if change.worse]
    said = "; ".join(change.sentence for change in worse)
    return dg.AssetCheckResult(
        check_name=NO_REGRESSION,
        asset_key=BENCHMARK_HISTORY,
        passed=not worse,
        description=said or f"compared with {max(0, len(results) - 1)} earlier runs",
        metadata={
            "changes": dg.MetadataValue.md(
                markdown_table(
                    ("Figure", "Before", "Now", "Noise", "Worse"),
                    [
                        (
                            c.figure,
                            readable(c.old),
                            readable(c.new),
                            readable(c.noise),
                            _yes(c.worse),
                        )
                        for c in changes
                    ],
                )
            ),
            "compared_with": max(0, len(results) - 1),
        },
    )


def _of_machine(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    cells = [
        (
            row["measured_at"].strftime("%Y-%m-%d %H:%M"),
            row["cameras"],
            f"{row['duration_s']:g}",
            ms(row["end_to_end_p50_ms"]),
            ms(row["end_to_end_p95_ms"]),
            ms(row["provider_p95_ms"]),
            share(row["success_rate"]),
            row["cores_busy"],
        )
        for row in rows
    ]
    # Its module loads matplotlib, which loading the definitions does not need.
    from trafficmon_dagster.defs.reports.plot import picture

    drawn = picture(
        "P50 and P95 of each run", {"runs": lambda axes: _draw(axes, rows)}, [["runs"]], 2.8
    )
    return f"### {name}\n\n![{drawn.alt}]({drawn.address})\n\n{markdown_table(_COLUMNS, cells)}"


def _draw(axes: "Axes", rows: Sequence[Mapping[str, Any]]) -> None:
    """A line a load and percentile over the runs, oldest first."""
    from streaming.plot_style import AMBER, BLUE
    from trafficmon_dagster.defs.reports.shapes import titled

    loads = sorted({row["load_key"] for row in rows})
    for load, mark in zip(loads, "osD^v<>ph*", strict=False):
        mine = [row for row in reversed(rows) if row["load_key"] == load]
        at = [row["measured_at"] for row in mine]
        for percent, color in (("p50", BLUE), ("p95", AMBER)):
            values = [(row[f"end_to_end_{percent}_ms"] or float("nan")) / 1000 for row in mine]
            name = f"{mine[0]['cameras']} cameras {percent.upper()}"
            axes.plot(at, values, color=color, marker=mark, markersize=4, label=name)
    axes.set_ylim(bottom=0)
    days = [row["measured_at"] for row in rows]
    axes.set_xlim(min(days) - timedelta(hours=12), max(days) + timedelta(hours=12))
    titled(axes, "From due to verdict, s", columns=2 * min(2, len(loads)))


def _yes(value: bool) -> str:
    return "worse" if value else ""
