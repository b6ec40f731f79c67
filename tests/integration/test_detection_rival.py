"""The rival that `bench detection` is compared with really decodes and detects."""

import cv2
import pytest

from streaming.benchmark.detection import rival
from streaming.simulator.junction import Junction, JunctionSpec


@pytest.mark.needs("torch")
def test_ultralytics_goes_through_several_streams_of_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr(rival, "_WARM_UP_FRAMES", 8)
    monkeypatch.setattr(rival, "_MEASURED_S", 0.3)
    monkeypatch.setenv("TRAFFICMON_STATE_DIR", str(tmp_path / "state"))
    file = tmp_path / "junction.avi"
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), 10, (320, 180))
    picture = Junction(JunctionSpec.parse("synthetic://junction?width=320&height=180")).render()
    for _ in range(60):
        writer.write(picture)
    writer.release()

    per_s, cpu_ms = rival.frames_per_s(file, 2)

    assert per_s > 0
    assert cpu_ms > 0
