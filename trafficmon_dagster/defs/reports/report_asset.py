"""A report as an asset: a partition an hour or a day, shown in the web UI and written to files."""

import json
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from trafficmon_dagster.defs.reports.report import Report
from trafficmon_dagster.defs.reports.window import Window
from trafficmon_dagster.names import ANALYTICS, REPORTS
from trafficmon_dagster.partitions import DAILY, HOURLY, TIME_ZONE
from trafficmon_dagster.resources import Trafficmon

if TYPE_CHECKING:
    import duckdb

    from streaming.settings import Settings

Figures = Callable[["duckdb.DuckDBPyConnection", Window, "Settings"], Report]

_UNDER_WAY = {
    # The hour or day under way; the schedules make it once more when it has ended.
    HOURLY: dg.AutomationCondition.on_cron("*/20 * * * *", TIME_ZONE),
    DAILY: dg.AutomationCondition.on_cron("25 * * * *", TIME_ZONE),
}


def report_asset(
    key: dg.AssetKey,
    figures: Figures,
    partitions: dg.TimeWindowPartitionsDefinition,
    *,
    deps: Iterable[dg.AssetKey],
) -> dg.AssetsDefinition:
    """The asset that `figures` fills; its description is what `figures` says of itself."""

    @dg.asset(
        key=key,
        description=figures.__doc__,
        deps=list(deps),
        partitions_def=partitions,
        group_name=REPORTS,
        kinds={"duckdb", "matplotlib"},
        owners=ANALYTICS,
        automation_condition=_UNDER_WAY[partitions],
    )
    def make(
        context: dg.AssetExecutionContext, trafficmon: Trafficmon
    ) -> dg.MaterializeResult[Any]:
        from streaming.lake.one_state import of_one_state

        settings = trafficmon.settings()
        covered = context.partition_time_window
        window = Window(_lake_time(covered.start), _lake_time(covered.end), TIME_ZONE, _lake_time())
        with trafficmon.lake_to_read() as con:
            report = of_one_state(con, lambda: figures(con, window, settings))
        name = key.path[-1].removesuffix("_report")
        return dg.MaterializeResult(
            metadata=shown(report, window.title)
            | {"page": published(report, window, settings.reports_dir, name, context.partition_key)}
        )

    return make


def shown(report: Report, covers: str) -> dict[str, Any]:
    """The report for the web UI: as a whole on a click, its tables at once, its numbers plotted."""
    from trafficmon_dagster.defs.reports.page import as_markdown, table_markdown

    tables = {t.name: dg.MetadataValue.md(table_markdown(t)) for t in report.tables if t.rows}
    return {
        "summary": report.summary,
        "report": dg.MetadataValue.md(as_markdown(report, covers)),
        **tables,
        **report.measured,
    }


def published(
    report: Report, window: Window, folder: Path, name: str, partition: str | None = None
) -> dg.PathMetadataValue:
    """`<name>.html` and `.json` for the newest, `<name>/<partition>.…` for each; the path of it."""
    from trafficmon_dagster.defs.reports.page import as_html

    until = f"{window.end.isoformat()}Z"
    figures = {"since": f"{window.start.isoformat()}Z", "until": until} | report.as_dict()
    texts = {
        ".html": as_html(report, window.title),
        ".json": json.dumps(figures, indent=2, ensure_ascii=False),
    }
    stems = [folder / name / partition.replace(":", "")] if partition else []
    if _until(folder / f"{name}.json") <= until:
        stems.append(folder / name)
    for stem in stems:
        for suffix, text in texts.items():
            _write(stem.with_name(stem.name + suffix), text)
    return dg.MetadataValue.path(str(stems[0].with_name(f"{stems[0].name}.html").absolute()))


def _lake_time(at: datetime | None = None) -> datetime:
    """UTC without a zone; now, if no time is given."""
    return (at or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None)


def _until(file: Path) -> str:
    try:
        return str(json.loads(file.read_text(encoding="utf-8"))["until"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _write(file: Path, text: str) -> None:
    """Replace the file at once, so that nobody reads half of it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(file)
