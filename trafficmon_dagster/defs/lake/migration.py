"""A lake of an earlier version, brought up to this one."""

import dagster as dg
from pydantic import Field

from trafficmon_dagster.names import LAKE_WRITER
from trafficmon_dagster.resources import Trafficmon


class MigrateConfig(dg.Config):
    """Whether to do it."""

    dry_run: bool = Field(
        description="true only tells what would be done; false does it, after a backup of the"
        " catalog in <state_dir>/lake/backups"
    )


@dg.op(pool=LAKE_WRITER)
def migrate_lake(
    context: dg.OpExecutionContext, config: MigrateConfig, trafficmon: Trafficmon
) -> None:
    """One transaction a step; readers go on meanwhile."""
    from streaming.lake.migrate import migrate as bring_up_to_date

    done = bring_up_to_date(trafficmon.settings(), dry_run=config.dry_run)
    context.add_output_metadata(
        {
            "found_version": done.found or 0,
            "steps": len(done.steps),
            "summary": dg.MetadataValue.md(done.summary.replace("\n", "\n\n")),
            **({"backup": dg.MetadataValue.path(str(done.backup))} if done.backup else {}),
        }
    )
    context.log.info(done.summary)


@dg.job(
    description="Brings the tables of an earlier version up to this one. Ingestion does the same by"
    " itself: this is for who wants to look first, or to choose the moment."
)
def migrate() -> None:
    migrate_lake()
