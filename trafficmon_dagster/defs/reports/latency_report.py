"""How long verdicts take and how many tasks end well, from the lake."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from trafficmon_dagster.markdown import markdown_table
from trafficmon_dagster.names import ANALYTICS, LATENCY_REPORT, REPORTS, table
from trafficmon_dagster.resources import Trafficmon


class LatencyReportConfig(dg.Config):
    """What the report covers."""

    hours: float = Field(default=24.0, description="How far back to look, by capture time", gt=0)


@dg.asset(
    key=LATENCY_REPORT,
    deps=[table("detections"), table("tasks"), table("assessments")],
    group_name=REPORTS,
    kinds={"duckdb", "matplotlib"},
    owners=ANALYTICS,
    automation_condition=dg.AutomationCondition.on_cron("*/10 * * * *"),
)
def latency_report(
    config: LatencyReportConfig, trafficmon: Trafficmon
) -> dg.MaterializeResult[Any]:
    """P50, P95 and P99 from capture to verdict, by stage, by camera and over time; success by end.

    Also written to `reports/latency.html` and `reports/latency.json`. Its figures are plotted
    over time under *Plots*. Made anew every ten minutes, after the tables it needs.
    """
    from trafficmon_dagster.defs.reports.figures import latency_figures
    from trafficmon_dagster.defs.reports.page import as_html, as_markdown, sections
    from trafficmon_dagster.defs.reports.plot import latency_plot

    settings = trafficmon.settings()
    until = datetime.now(UTC).replace(tzinfo=None)
    with trafficmon.lake_to_read() as con:
        figures = latency_figures(
            con,
            since=until - timedelta(hours=config.hours),
            until=until,
            threshold_p95_ms=settings.monitoring.alerts.latency_threshold_p95 * 1000,
        )
    png = latency_plot(figures) if figures.assessed else None
    page = _write(settings.reports_dir / "latency.html", as_html(figures, png))
    _write(
        settings.reports_dir / "latency.json", json.dumps(figures.as_dict(), indent=2, default=_utc)
    )
    numbers: dict[str, float] = {"rows": float(figures.ended)}
    if figures.success_rate is not None:
        numbers["success_rate"] = figures.success_rate
    if figures.end_to_end is not None:
        end_to_end = figures.end_to_end
        numbers |= {"p50_ms": end_to_end.p50, "p95_ms": end_to_end.p95, "p99_ms": end_to_end.p99}
    return dg.MaterializeResult(
        metadata={
            "report": dg.MetadataValue.md(as_markdown(figures, png)),
            # Once more, since the UI shows a short table at once and a long page on a click.
            **{
                name: dg.MetadataValue.md(markdown_table(columns, rows))
                for name, (_, columns, rows) in zip(
                    ("by_stage", "by_camera", "by_end"), sections(figures), strict=True
                )
                if rows
            },
            "page": dg.MetadataValue.path(str(page.absolute())),
            **{name: round(value, 4) for name, value in numbers.items()},
        }
    )


def _utc(moment: datetime) -> str:
    """The lake's times have no zone: they are UTC."""
    return f"{moment.isoformat()}Z"


def _write(file: Path, text: str) -> Path:
    """Replace the file at once, so that nobody reads half of it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(file)
    return file
