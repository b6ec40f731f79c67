"""One camera through the running system, from the web UI."""

import sys

import dagster as dg
from pydantic import Field

from streaming.markdown import markdown_table
from trafficmon_dagster.defs.benchmarks.process import MODULE
from trafficmon_dagster.resources import Trafficmon

_AROUND_S = 300.0


class ProbeConfig(dg.Config):
    """Which camera, for how long."""

    camera_id: str = Field(
        default="probe", description="A test camera is added by this id, unless one runs already"
    )
    source: str = Field(default="synthetic", description="A camera's source, or synthetic")
    duration_s: float = Field(default=60.0, description="Seconds that are watched", ge=5)


@dg.op
def follow_one_camera(
    context: dg.OpExecutionContext,
    config: ProbeConfig,
    trafficmon: Trafficmon,
    subprocesses: dg.PipesSubprocessClient,
) -> None:
    """Fails with the stage that broke a promise, and what to look at."""
    done = subprocesses.run(
        context=context,
        command=[sys.executable, "-m", MODULE],
        extras={
            "task": "probe",
            "config_dir": trafficmon.config_dir,
            "deadline_s": config.duration_s + _AROUND_S,
            "camera_id": config.camera_id,
            "source": config.source,
            "duration_s": config.duration_s,
        },
    )
    (told,) = done.get_custom_messages()
    rows = [
        (p["stage"], p["words"], p["seen"], "kept" if p["kept"] else "**broken**")
        for p in told["promises"]
    ]
    seen = dg.MetadataValue.md(markdown_table(("Stage", "Promise", "Seen", ""), rows))
    if not told["kept"]:
        raise dg.Failure(told["verdict"], metadata={"promises": seen})
    context.add_output_metadata({"promises": seen, "verdict": told["verdict"]})


@dg.job(description="Follows one camera through the running system and removes it again.")
def probe() -> None:
    follow_one_camera()
