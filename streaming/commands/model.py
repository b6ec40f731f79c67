"""`trafficmon model`."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from streaming.commands.context import console, settings_of, table_or_json

if TYPE_CHECKING:
    from streaming.detection.evaluate import Evaluation
    from streaming.settings import DetectionSettings

_folder = click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
_size = click.option(
    "--size", type=click.IntRange(64, 2048), help="Model input, px; by default as configured."
)


@click.group()
def model() -> None:
    """Evaluate and fine-tune the detection model."""


@model.command()
@_folder
@click.option("--model", "name", help="builtin, a path or a name; by default detection.model.")
@click.option(
    "--runtime",
    type=click.Choice(["openvino", "onnx", "torch"]),
    help="Runtime; by default as configured.",
)
@_size
@click.option(
    "--confidence", type=click.FloatRange(0, 1), help="Working threshold; by default as configured."
)
@table_or_json
def evaluate(
    *,
    folder: Path,
    name: str | None,
    runtime: str | None,
    size: int | None,
    confidence: float | None,
    as_: str,
) -> None:
    """Print mAP50, precision and recall by class, for labelled pictures.

    FOLDER holds pictures with labels as YOLO writes them: a text file beside each, or `labels`
    beside `images`, and data.yaml or classes.txt with the classes' names.
    """
    given = {
        "model": name,
        "runtime": runtime,
        "image_size_px": size,
        "confidence": confidence,
    }
    settings = settings_of()
    asked = {key: value for key, value in given.items() if value is not None}
    detection = settings.detection.model_copy(update=asked)
    _show(_evaluated(detection, settings.state_dir, folder), as_)


@model.command()
@_folder
@click.option("--start", default="builtin", show_default=True, help="Weights (.pt) to start from.")
@click.option(
    "--hours",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0.001, 200),
    help="Training time, h.",
)
@_size
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("models/tuned.pt"),
    show_default=True,
    help="Write the weights to this file.",
)
def tune(folder: Path, start: str, hours: float, size: int | None, out: Path) -> None:
    """Fine-tune the model on your own labelled pictures, and report what it gained.

    A fifth of the pictures of FOLDER (as for `evaluate`) is held out; before and after are
    measured on it.
    """
    from streaming.detection.tune import Tuning, split
    from streaming.detection.tune import tune as train

    settings = settings_of()
    detection = settings.detection
    if size is not None:
        detection = detection.model_copy(update={"image_size_px": size})
    work = settings.state_dir / "tuning"
    data = split(folder, work)
    click.echo(f"{data.training} pictures to train on, {data.held_out} held out; before:")
    before = detection.model_copy(update={"model": start})
    _show(_evaluated(before, settings.state_dir, data.held_out_folder), "table")
    weights = train(data, work, Tuning(start, hours, detection.image_size_px), settings.state_dir)
    out.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(weights, out)
    after = detection.model_copy(update={"model": str(out)})
    _show(_evaluated(after, settings.state_dir, data.held_out_folder), "table")
    click.echo(f"written to {out}; `model: {out}` in config/detection.yaml makes it run")


def _evaluated(detection: "DetectionSettings", state_dir: Path, folder: Path) -> "Evaluation":
    from streaming.detection.evaluate import evaluate as measure

    with console.status("looking") as status:
        return measure(
            detection, state_dir, folder, lambda done, of: status.update(f"{done} of {of}")
        )


def _show(found: "Evaluation", as_: str) -> None:
    if as_ == "json":
        click.echo(json.dumps(asdict(found), indent=2))
        return
    title = f"{found.model}, {found.pictures} pictures, confidence {found.threshold:g}"
    table = Table("class", "labels", "mAP50", "precision", "recall", title=title)
    for score in found.scores:
        figures = (score.map50, score.precision, score.recall)
        table.add_row(score.name, str(score.labels), *(f"{figure:.3f}" for figure in figures))
    console.print(table)
    if found.empty_pictures:
        click.echo(f"{found.false_alarms} of {found.empty_pictures} empty pictures with an alarm")
