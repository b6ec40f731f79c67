"""`trafficmon bench pipeline`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from streaming.commands.context import console, settings_of

if TYPE_CHECKING:
    from streaming.benchmark.pipeline.load import Load
    from streaming.settings import Settings


@click.command()
@click.option(
    "--cameras",
    default=50,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="Number of cameras.",
)
@click.option(
    "--duration",
    default=600.0,
    show_default=True,
    type=click.FloatRange(min=5),
    help="Measured seconds, after the warm-up.",
)
@click.option(
    "--warm-up",
    default=30.0,
    show_default=True,
    type=click.FloatRange(min=0),
    help="Seconds of warm-up, once every camera delivers frames.",
)
@click.option(
    "--interval",
    default=1.8,
    show_default=True,
    type=click.FloatRange(0.02, 3600),
    help="Seconds between frames of a camera.",
)
@click.option(
    "--source",
    default="synthetic",
    show_default=True,
    help="A video, any other camera source, or synthetic.",
)
@click.option(
    "--provider",
    type=click.Choice(["simulator", "real"]),
    default="simulator",
    show_default=True,
    help="real is the configured provider, and costs money.",
)
@click.option("--yes", is_flag=True, help="Accept the cost of --provider real.")
@click.option(
    "--keys",
    default=10,
    show_default=True,
    type=click.IntRange(1, 1000),
    help="Number of keys of the simulated provider.",
)
@click.option("--qps", default=10.0, show_default=True, help="Limit of each key, calls a second.")
@click.option("--rpm", default=300, show_default=True, help="Limit of each key, calls a minute.")
@click.option(
    "--gate/--no-gate", default=True, show_default=True, help="Skip repeated groups, or do not."
)
@click.option(
    "--against-running",
    is_flag=True,
    help="Add cameras to the running system instead of starting a separate one.",
)
@click.option(
    "--compare",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An earlier report: tell changes from noise.",
)
@click.option(
    "--report-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the report to this file, as JSON; Markdown and HTML beside it.",
)
def pipeline(
    *,
    cameras: int,
    duration: float,
    warm_up: float,
    interval: float,
    source: str,
    provider: str,
    yes: bool,
    keys: int,
    qps: float,
    rpm: int,
    gate: bool,
    against_running: bool,
    compare: Path | None,
    report_file: Path | None,
) -> None:
    """Measure the whole path, from the moment a frame is due to its verdict.

    In a stack of its own, which is removed at the end. docs/benchmarks.md says what the
    figures mean.
    """
    from streaming.benchmark.pipeline.load import Load
    from streaming.benchmark.pipeline.measure import measure
    from streaming.benchmark.pipeline.page import as_markdown
    from streaming.benchmark.pipeline.written import changes, write_beside

    if not source.startswith("synthetic") and Path(source).exists():
        source = str(Path(source).absolute())
    load = Load(
        cameras=cameras,
        duration_s=duration,
        warm_up_s=warm_up,
        interval_s=interval,
        source=source,
        provider="real" if provider == "real" else "simulator",
        keys=keys,
        qps=qps,
        rpm=rpm,
        gate=gate,
        against_running=against_running,
    )
    settings = settings_of()
    if load.provider == "real":
        _agree_to_cost(settings, load, yes=yes)
    with _progress(duration) as update:
        report = measure(settings, load, lambda text: click.echo(text, err=True), update)
    written = report.as_dict()
    click.echo(as_markdown(written))
    if report_file is not None:
        report.write(report_file)
        for path in (report_file, *write_beside(written, report_file)):
            click.echo(f"written to {path}", err=True)
    if compare is not None:
        for line in changes(compare, written):
            click.echo(line)


def _agree_to_cost(settings: "Settings", load: "Load", *, yes: bool) -> None:
    """Raises UsageError unless the configured provider may be paid."""
    from streaming.benchmark.pipeline.cost import estimate

    if settings.simulated:
        raise click.UsageError("--provider real needs keys in config/api_keys.yaml")
    click.echo(estimate(settings, load), err=True)
    if not yes:
        raise click.UsageError("--provider real calls it: add --yes once the cost is all right")


@contextmanager
def _progress(duration_s: float) -> Iterator[Callable[[float, str], None]]:
    """A bar with live figures on a terminal, nothing elsewhere."""
    if not console.is_terminal:
        yield lambda _passed_s, _line: None
        return
    columns = (BarColumn(bar_width=20), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starting", total=duration_s)
        yield lambda passed_s, line: bar.update(task, completed=passed_s, description=line)
