"""`python -m training generate|fit|export|evaluate`: the model, from nothing to its figures."""

from __future__ import annotations

from pathlib import Path

import click

from training.quiet import stay_offline

MODEL = Path("streaming/detection/model")
_work = click.option(
    "--work",
    type=click.Path(path_type=Path),
    default=Path(".trafficmon/training"),
    show_default=True,
    help="Where the data set and the checkpoints lie.",
)
_data = click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=Path("../shared/data"),
    show_default=True,
    help="The real recordings; left out where there are none.",
)


@click.group()
def main() -> None:
    """Makes and measures the detection model that Trafficmon ships."""
    stay_offline()


@main.command()
@_work
@_data
@click.option("--scenes", default=160, show_default=True, help="Crossroads of 30 frames each.")
@click.option("--scattered", default=2500, show_default=True, help="Scattered scenes.")
@click.option("--copies", default=4, show_default=True, help="Variations of each real frame.")
def generate(work: Path, data: Path, scenes: int, scattered: int, copies: int) -> None:
    """Renders the training and the evaluation pictures."""
    from training.dataset import Amounts, generate_evaluation, generate_held_out
    from training.dataset import generate as make

    generate_evaluation(work / "eval")
    generate_held_out(work / "held-out")
    make(work / "train", data, Amounts(scenes, scattered, copies))


@main.command()
@_work
@click.option("--hours", default=1.1, show_default=True, help="How long to train.")
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint.")
@click.option("--start", type=click.Path(path_type=Path), help="Weights to begin a new run from.")
def fit(work: Path, hours: float, resume: bool, start: Path | None) -> None:
    """Trains YOLO11n on the pictures, from nothing unless told where to start."""
    from training.fitting import fit as train

    click.echo(train(work, hours, resume=resume, start=start))


@main.command()
@_work
@_data
@click.option("--hours", default=1.5, show_default=True, help="How long to train.")
@click.option(
    "--start",
    type=click.Path(path_type=Path),
    default=MODEL / "trafficmon-yolo11n.pt",
    show_default=True,
    help="Weights to begin from; an empty name begins from nothing.",
)
@click.option("--scenes", default=160, show_default=True, help="Crossroads of 30 frames each.")
@click.option("--out", type=click.Path(path_type=Path), default=MODEL, show_default=True)
def make(*, work: Path, data: Path, hours: float, start: Path, scenes: int, out: Path) -> None:
    """All of it: pictures, training, export, figures."""
    from training.dataset import Amounts, generate_evaluation, generate_held_out
    from training.dataset import generate as render
    from training.fitting import export as ship
    from training.fitting import fit as train

    generate_evaluation(work / "eval")
    generate_held_out(work / "held-out")
    render(work / "train", data, Amounts(scenes=scenes))
    weights = train(work, hours, start=start if start.name else None)
    ship(weights, out)
    click.get_current_context().invoke(
        evaluate, work=work, data=data, weights=out / "trafficmon-yolo11n.pt"
    )


@main.command()
@_work
@click.option("--out", type=click.Path(path_type=Path), default=MODEL, show_default=True)
def export(work: Path, out: Path) -> None:
    """Writes the shipped files from the last checkpoint."""
    from training.fitting import export as ship

    ship(work / "run" / "weights" / "last.pt", out)


@main.command()
@_work
@_data
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    default=MODEL / "trafficmon-yolo11n.pt",
    show_default=True,
)
def evaluate(work: Path, data: Path, weights: Path) -> None:
    """Prints mAP per class on 400 frames of unseen seeds, and what is found in the recordings."""
    from ultralytics import YOLO

    from training.dataset import generate_evaluation
    from training.evaluation import scores, sightings
    from training.recordings import CAR_FILE, GIF_FILE

    if not (work / "eval" / "images").exists():
        generate_evaluation(work / "eval")
    click.echo(f"{'class':<12}{'precision':>10}{'recall':>10}{'mAP50':>10}{'mAP50-95':>10}")
    for score in scores(weights, work):
        click.echo(
            f"{score.name:<12}{score.precision:>10.3f}{score.recall:>10.3f}{score.map50:>10.3f}{score.map50_95:>10.3f}"
        )
    checked = Path("tests/end_to_end/checked_frames.json")
    model = YOLO(str(weights), task="detect")
    for name, classes in ((CAR_FILE, ("car",)), (GIF_FILE, ("car", "bicycle", "person"))):
        if not (data / name).exists():
            continue
        for class_name in classes:
            s = sightings(model, data / name, checked, class_name)
            click.echo(
                f"{name}: {class_name} found in {s.found} of {s.clear} clear frames; "
                f"{s.alarmed} of {s.empty} empty frames with an alarm"
            )


if __name__ == "__main__":
    main()
