"""The shipped model gives the same boxes by our own way around the network and by ultralytics'."""

import pytest

from streaming.detection.detector import load
from streaming.settings import DetectionSettings
from streaming.simulator.junction import Junction, JunctionSpec

pytestmark = pytest.mark.needs("torch")


@pytest.fixture(scope="module")
def frames():
    """Junctions of three shapes, so that every kind of padding comes up."""
    shapes = [(640, 360), (640, 480), (480, 640), (960, 540)]
    junctions = [
        Junction(JunctionSpec.parse(f"synthetic://junction?seed={i}&width={w}&height={h}"))
        for i, (w, h) in enumerate(shapes)
    ]
    for junction in junctions:
        junction.advance(5.0)
    return [junction.render() for junction in junctions]


@pytest.fixture(scope="module")
def reference(frames, tmp_path_factory):
    state = tmp_path_factory.mktemp("torch")
    detector = load(DetectionSettings(runtime="torch"), state)
    return [detector.detect([frame])[0] for frame in frames]


@pytest.mark.parametrize("runtime", ["openvino", "onnx"])
def test_every_runtime_finds_what_torch_finds(runtime, frames, reference, tmp_path):
    found = load(DetectionSettings(runtime=runtime), tmp_path).detect(frames)
    assert sum(map(len, reference)) >= 10
    for ours, theirs in zip(found, reference, strict=True):
        clear = [d for d in theirs if d.confidence > 0.4]  # FP16 moves those at the threshold
        for wanted in clear:
            assert any(_same(wanted, d) for d in ours), wanted
        assert abs(len(ours) - len(theirs)) <= 2


def _same(a, b):
    near = all(abs(x - y) <= 3 for x, y in zip(a.xyxy, b.xyxy, strict=True))
    return near and a.class_name == b.class_name and abs(a.confidence - b.confidence) < 0.05
