"""`trafficmon plan`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from streaming.commands.context import console, settings_of

if TYPE_CHECKING:
    from streaming.benchmark.core_lines import Checked
    from streaming.benchmark.plan import Plan

_WITHIN = 0.2


@click.command()
@click.argument(
    "reports",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option(
    "--cameras",
    default=5000,
    show_default=True,
    type=click.IntRange(min=1),
    help="Number of cameras to plan for.",
)
@click.option("--interval", type=click.FloatRange(0.02, 3600), help="Seconds between frames.")
@click.option(
    "--check",
    is_flag=True,
    help="Predict each run from the others instead; exit code 1 if one is off by 20 %.",
)
def plan(reports: tuple[Path, ...], *, cameras: int, interval: float | None, check: bool) -> None:
    """Compute what more cameras need, from measured runs.

    REPORTS are written by `trafficmon bench pipeline`; several of different sizes also show
    what a process takes at rest.
    """
    from streaming.benchmark import core_lines
    from streaming.benchmark import plan as model
    from streaming.benchmark.pipeline.written import read

    found = [read(path) for path in reports]
    if check:
        if len(found) < 3:
            raise click.UsageError("--check needs three or more reports")
        checked = core_lines.check(found)
        console.print(_checks(checked))
        raise click.exceptions.Exit(0 if all(abs(c.off) <= _WITHIN for c in checked) else 1)
    settings = settings_of()
    provider = settings.provider
    made = model.plan(
        found,
        cameras=cameras,
        interval_s=interval or settings.detection.interval_s,
        prices=(provider.price_per_1k_prompt_tokens, provider.price_per_1k_completion_tokens),
        image_ttl_s=settings.detection.image_ttl_s,
    )
    console.print(_processes(made))
    console.print(_figures(made, provider.price_currency))


def _processes(made: "Plan") -> Table:
    table = Table("process", title=f"{made.cameras} cameras", title_justify="left")
    for name in ("how many", "cores", "memory, MB"):
        table.add_column(name, justify="right")
    for p in made.processes:
        table.add_row(p.name, str(p.count), f"{p.cores:.2f}", f"{p.memory_mb:,.0f}")
    table.add_row("all", "", f"{made.cores:.2f}", f"{made.memory_mb:,.0f}", style="bold")
    return table


def _figures(made: "Plan", currency: str) -> Table:
    cost = "prices are not set" if made.cost_a_day is None else f"{made.cost_a_day:,.2f} {currency}"
    table = Table(show_header=False)
    for name, value in (
        ("frames/s, tasks/s", f"{made.rates.frames:,.1f}, {made.rates.tasks:,.1f}"),
        ("partitions of each topic", str(made.partitions)),
        ("keys", str(made.keys)),
        ("pictures in Redis, MB", f"{made.pictures_mb:,.0f}"),
        ("Kafka a day, before compression, GB", f"{made.kafka_gb_a_day:,.1f}"),
        ("lake a day, GB", f"{made.lake_gb_a_day:,.2f}"),
        ("provider a day", cost),
    ):
        table.add_row(name, value)
    return table


def _checks(checked: Sequence["Checked"]) -> Table:
    table = Table("cameras", "cores predicted", "cores measured", "off")
    for c in checked:
        table.add_row(
            str(c.cameras), f"{c.predicted_cores:.2f}", f"{c.measured_cores:.2f}", f"{c.off:+.0%}"
        )
    return table
