"""The WebSocket's messages."""

import base64
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.aggregation.view import frame_view
from streaming.api import protocol
from tests.builders import NOON, detection_result, risk_assessment


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ('{"type":"ping"}', protocol.Ping()),
        ('{"type":"ping","data":{}}', protocol.Ping()),
        ('{"type":"stop_stream","data":{"cameraId":1}}', protocol.StopStream(1)),
        ('{"type":"stop_stream","cameraId":"1"}', protocol.StopStream("1")),
        (
            '{"type":"start_stream","data":{"cameraId":1,"rtspUrl":"rtsp://a/b","cameraName":"n"}}',
            protocol.StartStream(1, "rtsp://a/b", "n"),
        ),
        ('{"type":"check_camera","cameraId":7}', protocol.CheckCamera(7)),
        ('{"type":"subscribe"}', protocol.Subscribe()),
        (
            '{"type":"subscribe","data":{"cameraIds":["1",2],"frames":true}}',
            protocol.Subscribe(["1", 2], frames=True),
        ),
    ],
)
def test_what_clients_say_is_read_with_or_without_data(text, request_):
    assert protocol.read(text) == request_


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "[]",
        "{}",
        '"ping"',
        '{"type":"launch"}',
        '{"type":"start_stream"}',
        '{"type":"stop_stream","data":{"cameraId":{}}}',
        '{"type":"subscribe","data":{"cameraIds":"1"}}',
        '{"type":["ping"]}',
        "[" * 100_000,
        '{"type":"ping","data":' + "[" * 5_000 + "]" * 5_000 + "}",
    ],
)
def test_anything_else_is_refused_with_a_reason(text):
    with pytest.raises(protocol.BadRequest, match=r"."):
        protocol.read(text)


@given(st.one_of(st.text(), st.binary()))
def test_no_input_does_anything_but_be_read_or_refused(text):
    with suppress(protocol.BadRequest):
        protocol.read(text)


def test_a_result_has_the_guides_fields():
    view = frame_view(detection_result(), (risk_assessment(),), timed_out=False)
    sent = json.loads(protocol.detection_result(view))
    assert sent["type"] == "detection_result"
    data = sent["data"]
    assert data["frame"] is None
    assert (data["cameraId"], data["imageWidth"], data["imageHeight"]) == ("1", 640, 360)
    assert data["timestamp"].startswith(f"{NOON:%Y-%m-%dT%H:%M:%S}")
    assert data["detectedObjects"][0] | {"class": "car"} == data["detectedObjects"][0]
    (group,) = data["trafficGroups"]
    assert (group["groupIndex"], group["objectCount"], group["classes"]) == (
        0,
        2,
        ["car", "person"],
    )
    assert (group["riskLevel"], group["averageConfidence"]) == ("medium", 0.9)
    (danger,) = data["dangerousDrivingResults"]
    assert (danger["type"], danger["confidence"]) == ("车辆靠近行人", 0.72)
    assert (data["hasDangerousDriving"], data["maxRiskLevel"]) == (True, "medium")
    assert (data["llmLatency"], data["llmModel"], data["modelType"]) == (
        0.8,
        "qwen-vl-plus",
        "builtin",
    )


def test_a_picture_is_put_in_as_a_data_address_and_nothing_else_changes():
    tricky = risk_assessment(description='"frame":null')
    result = protocol.detection_result(frame_view(detection_result(), (tricky,), timed_out=False))
    pictured = protocol.with_frame(result, base64.b64encode(b"\xff\xd8 jpeg"))
    before, after = json.loads(result)["data"], json.loads(pictured)["data"]
    assert (
        after.pop("frame")
        == "data:image/jpeg;base64," + base64.b64encode(b"\xff\xd8 jpeg").decode()
    )
    before.pop("frame")
    assert after == before
