"""From frames to detections, with a network that is played by hand."""

from pathlib import Path

import numpy as np
import pytest

from streaming.detection.detector import ExportedDetector, load, to_detections
from streaming.detection.engines import Description
from streaming.detection.model_files import ModelFile
from streaming.detection.predictions import Predictions
from streaming.errors import ModelError
from streaming.settings import DetectionSettings

NAMES = {0: "person", 1: "dog", 2: "car"}


class PlayedEngine:
    """Finds in every image one box of a class a row: centre of the input, 32 px wide."""

    lanes = 1

    def __init__(self, *, fixed=False, batch=None, classes=(2,)):
        self.description = Description(NAMES, stride=32, size=320, fixed=fixed, batch=batch)
        self.classes = classes
        self.calls = []

    def infer(self, images):
        self.calls.append(images.shape)
        height, width = images.shape[1:3]
        output = np.zeros((len(images), 4 + len(NAMES), len(self.classes)), np.float32)
        for column, number in enumerate(self.classes):
            output[:, :4, column] = [width / 2, height / 2, 32, 32]
            output[:, 4 + number, column] = 0.9
        return output


def detector(engine, **settings):
    file = ModelFile("played", Path("played"), "openvino")
    return ExportedDetector(file, engine, DetectionSettings(**settings))


def frames(*sizes):
    return [np.zeros((height, width, 3), np.uint8) for height, width in sizes]


def test_boxes_are_in_the_pixels_of_each_frame():
    engine = PlayedEngine()
    found = detector(engine).detect(frames((360, 640), (1080, 1920)))
    assert [d.xyxy for (d,) in found] == [
        (288.0, 148.0, 352.0, 212.0),
        (864.0, 444.0, 1056.0, 636.0),
    ]
    assert found[0][0].class_name == "car"
    assert found[0][0].class_id == 2


def test_frames_of_one_shape_go_together_in_batches():
    engine = PlayedEngine()
    detector(engine, batch_size=2).detect(frames((360, 640), (640, 360), (360, 640), (180, 320)))
    assert sorted(engine.calls) == [(1, 192, 320, 3), (1, 320, 192, 3), (2, 192, 320, 3)]


def test_a_network_of_fixed_batch_gets_full_batches():
    engine = PlayedEngine(fixed=True, batch=4)
    found = detector(engine).detect(frames(*[(360, 640)] * 5))
    assert engine.calls == [(4, 320, 320, 3)] * 2
    assert len(found) == 5


def test_unwanted_classes_do_not_come_out():
    (found,) = detector(PlayedEngine(classes=(0, 1, 2))).detect(frames((360, 640)))
    assert sorted(d.class_name for d in found) == ["car", "person"]
    assert [d.object_id for d in found] == [0, 1]


def test_a_model_that_knows_nothing_wanted_is_refused():
    with pytest.raises(ModelError, match=r"detection.model: .* it knows person, dog, car"):
        detector(PlayedEngine(), classes=("bus",))


def test_boxes_without_area_are_left_out():
    boxes = Predictions(
        np.array([[5, 5, 5, 9], [1, 1, 2.04, 2]], np.float32),
        np.array([0.9, 0.8765], np.float32),
        np.array([0, 0], np.int32),
    )
    (only,) = to_detections(boxes, {0: "person"})
    assert (only.object_id, only.confidence, only.xyxy) == (0, 0.877, (1.0, 1.0, 2.0, 2.0))


@pytest.mark.parametrize(
    ("model", "runtime", "told"),
    [
        ("no/such.pt", "openvino", "no file no/such.pt"),
        ("no/such.onnx", "onnx", "no file no/such.onnx"),
        ("garbage.onnx", "onnx", "ONNX Runtime cannot load"),
        ("garbage.onnx", "openvino", "OpenVINO cannot load"),
        ("garbage.onnx", "torch", "set detection.runtime: onnx"),
        ("empty_openvino_model", "openvino", "must hold one .xml file"),
        ("empty_openvino_model", "onnx", "set detection.runtime: openvino"),
    ],
)
def test_a_model_that_cannot_be_had_names_its_setting(model, runtime, told, tmp_path):
    (tmp_path / "garbage.onnx").write_bytes(b"no network")
    (tmp_path / "empty_openvino_model").mkdir()
    path = model if model.startswith("no/") else str(tmp_path / model)
    with pytest.raises(ModelError, match=rf"detection\.model: .*{told}"):
        load(DetectionSettings(model=path, runtime=runtime), tmp_path)


@pytest.mark.parametrize(
    ("model", "runtime"), [("yolo11n.pt", "openvino"), ("builtin", "onnx"), ("builtin", "torch")]
)
def test_a_model_that_needs_pytorch_says_how_to_get_it(model, runtime, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ModelError, match=r"detection\.model: .* needs PyTorch .*TORCH=cpu"):
        load(DetectionSettings(model=model, runtime=runtime), tmp_path)
