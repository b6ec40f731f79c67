"""The shipped model on the real recordings, in frames that a person has checked by eye."""

from __future__ import annotations

from pathlib import Path

import pytest

from streaming.detection.model_files import ultralytics_yolo

MODEL = Path(__file__).parents[3] / "streaming" / "detection" / "model"
CHECKED = Path(__file__).parents[2] / "end_to_end" / "checked_frames.json"
FORMATS = ("trafficmon-yolo11n.pt", "trafficmon-yolo11n_openvino_model")
DATA = Path(__file__).parents[4] / "shared" / "data"
CAR_VIDEO, CAR_PARK = DATA / "car-detection.mp4", DATA / "person-bicycle-car.gif"


@pytest.fixture(scope="module")
def yolo(tmp_path_factory: pytest.TempPathFactory):
    return ultralytics_yolo(tmp_path_factory.mktemp("ultralytics"))


@pytest.fixture(
    scope="module", params=["trafficmon-yolo11n.pt", "trafficmon-yolo11n_openvino_model"]
)
def model(request: pytest.FixtureRequest, yolo):
    return yolo(str(MODEL / request.param), task="detect")


def test_the_shipped_files_are_small_and_name_no_path_of_the_machine_they_came_from() -> None:
    files = [
        f for f in MODEL.rglob("*") if f.is_file() and f.suffix in {".pt", ".xml", ".bin", ".yaml"}
    ]
    assert sum(f.stat().st_size for f in files) < 12_000_000
    metadata = (MODEL / "trafficmon-yolo11n_openvino_model" / "metadata.yaml").read_text()
    for text in ("/work", "/tmp", "/home", "/root"):
        assert text not in metadata
        assert all(text.encode() not in f.read_bytes() for f in files if f.suffix == ".xml")


@pytest.mark.needs("torch")
def test_the_classes_are_the_six_road_users(model) -> None:
    from training import CLASSES

    assert tuple(model.names.values()) == CLASSES


@pytest.mark.needs("torch")
def test_a_batch_of_eight_frames_gives_the_same_boxes_from_both_formats(yolo) -> None:
    import numpy as np

    from streaming.simulator.junction import Junction, JunctionSpec
    from training.evaluation import iou

    junction = Junction(JunctionSpec.parse("synthetic://junction?seed=77&vehicles=10"))
    frames = []
    for k in range(1, 9):
        junction.advance(k * 2.0)
        frames.append(junction.render())
    both = [
        yolo(str(MODEL / name), task="detect").predict(
            frames, imgsz=320, conf=0.4, device="cpu", verbose=False
        )
        for name in FORMATS
    ]
    shared = total = 0
    for a, b in zip(*both, strict=True):
        others = [tuple(box) for box in b.boxes.xyxy.tolist()]
        for box in a.boxes.xyxy.tolist():
            total += 1
            shared += any(iou(tuple(box), other) > 0.85 for other in others)
    assert total > 20
    assert shared >= 0.95 * total
    assert np.isfinite(both[0][0].boxes.conf.numpy()).all()


@pytest.mark.needs("torch", "recordings")
def test_the_car_is_found_in_nine_of_ten_clear_frames_and_empty_ones_stay_quiet(model) -> None:
    from training.evaluation import sightings

    seen = sightings(model, CAR_VIDEO, CHECKED, "car")
    assert seen.clear > 90
    assert seen.found >= 0.9 * seen.clear, seen
    assert seen.alarmed <= 0.05 * seen.empty, seen


@pytest.mark.needs("torch", "recordings")
def test_the_car_of_the_car_park_is_found(model) -> None:
    from training.evaluation import sightings

    seen = sightings(model, CAR_PARK, CHECKED, "car")
    assert seen.clear == 41
    assert seen.found >= 0.9 * seen.clear, seen
