"""The shipped model on labelled pictures of a synthetic camera."""

import json
from pathlib import Path

import cv2
import pytest
from click.testing import CliRunner

from streaming.commands.model import model
from streaming.detection.evaluate import evaluate
from streaming.errors import LabelsError
from streaming.settings import DetectionSettings
from streaming.simulator.junction import Junction, JunctionSpec

NAMES = ["person", "bicycle", "car", "motorcycle", "bus", "truck"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("labelled")
    junction = Junction(JunctionSpec(seed=950_123, vehicles=9, pedestrians=3))
    for number in range(12):
        junction.advance(number * 1.5)
        cv2.imwrite(str(made / f"{number}.png"), junction.render())
        lines = [
            f"{NAMES.index(o.class_name)} {(o.xyxy[0] + o.xyxy[2]) / 1280} "
            f"{(o.xyxy[1] + o.xyxy[3]) / 720} {(o.xyxy[2] - o.xyxy[0]) / 640} "
            f"{(o.xyxy[3] - o.xyxy[1]) / 360}"
            for o in junction.truth().objects
        ]
        (made / f"{number}.txt").write_text("\n".join(lines))
    return made


def test_the_shipped_model_finds_most_cars_of_a_synthetic_camera(folder, tmp_path):
    heard = []
    found = evaluate(DetectionSettings(), tmp_path, folder, lambda done, of: heard.append(done))
    car = next(s for s in found.scores if s.name == "car")
    assert (found.pictures, heard[-1]) == (12, 12)
    assert car.labels > 20
    assert car.map50 > 0.8
    assert car.recall > 0.7


def test_the_command_gives_the_same_as_json(folder):
    done = CliRunner().invoke(model, ["evaluate", str(folder), "--format", "json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert told["threshold"] == 0.35
    assert told["scores"][-1]["name"] == "all"


def test_a_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(LabelsError, match="no pictures"):
        evaluate(DetectionSettings(), tmp_path, tmp_path, lambda *_: None)
