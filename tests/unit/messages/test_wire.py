"""What is on the wire today must be readable for ever, and what is not a message must say why."""

import json
import random
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from streaming.errors import BadMessage
from streaming.messages import (
    AssessmentTask,
    CameraCommand,
    DetectionResult,
    Message,
    Motion,
    RiskAssessment,
    SkippedGroups,
    WorstPair,
    decode,
    encode,
)
from tests import builders

FROZEN = Path(__file__).parents[2] / "frozen"
TYPES: dict[str, type[Message]] = {
    t.__name__: t
    for t in (DetectionResult, AssessmentTask, SkippedGroups, RiskAssessment, CameraCommand)
}
EXAMPLES = sorted(FROZEN.glob("v*/*.json"))
BUILDERS = {
    DetectionResult: builders.detection_result,
    AssessmentTask: builders.assessment_task,
    SkippedGroups: builders.skipped_groups,
    RiskAssessment: builders.risk_assessment,
    CameraCommand: builders.camera_command,
}


def type_of(example: Path) -> type[Message]:
    return TYPES[example.name.split(".")[0]]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_a_frozen_example_decodes_for_ever(example):
    message = decode(example.read_bytes(), type_of(example))
    assert decode(encode(message), type_of(example)) == message


@pytest.mark.parametrize(
    "example", [p for p in EXAMPLES if "minimal" not in p.name], ids=lambda p: p.name
)
def test_a_whole_example_is_encoded_as_it_was_frozen(example):
    message = decode(example.read_bytes(), type_of(example))
    assert json.loads(encode(message)) == json.loads(example.read_text())


def test_every_message_has_a_whole_and_a_minimal_example():
    names = {p.name for p in FROZEN.glob("v1/*.json")}
    assert names == {f"{t}{kind}.json" for t in TYPES for kind in ("", ".minimal")}


def test_field_names_are_camel_case_on_the_wire():
    fields = json.loads(encode(builders.detection_result()))
    assert {"messageId", "capturedAt", "inferenceMs", "schemaVersion"} <= fields.keys()
    assert {"memberObjectIds", "surrogateRisk", "cropRef"} <= fields["groups"][0].keys()


def test_when_a_frame_was_due_is_on_the_wire_only_where_it_is_known():
    frame = builders.detection_result().frame
    due_at = datetime(2026, 11, 25, 8, tzinfo=UTC)
    for due, told in ((UNSET, None), (due_at, "2026-11-25T08:00:00Z")):
        message = builders.detection_result(frame=msgspec.structs.replace(frame, due_at=due))
        raw = encode(message)
        assert json.loads(raw)["frame"].get("dueAt") == told
        assert decode(raw, DetectionResult) == message


def test_motion_and_the_worst_pair_are_on_the_wire_only_where_they_are_known():
    motion = Motion(speed_kmh=36.0, zone="in", wrong_way=True)
    pair = WorstPair(object_ids=(0, 1), time_to_collision_s=1.5)
    message = builders.detection_result(
        detections=(builders.detection(motion=motion), builders.detection(object_id=1)),
        groups=(builders.group(spatial=builders.spatial(worst_pair=pair)),),
    )
    fields = json.loads(encode(message))
    with_motion, without = fields["detections"]
    assert with_motion["motion"] == {"speedKmh": 36.0, "zone": "in", "wrongWay": True}
    assert "motion" not in without
    told = fields["groups"][0]["spatial"]["worstPair"]
    assert told == {"objectIds": [0, 1], "timeToCollisionS": 1.5}
    assert decode(encode(message), DetectionResult) == message


def test_a_camera_numbered_by_its_sender_is_read_as_text():
    fields = json.loads(encode(builders.risk_assessment())) | {"cameraId": 17}
    assert decode(json.dumps(fields).encode(), RiskAssessment).camera_id == "17"


def test_fields_of_the_future_are_ignored():
    fields = json.loads(encode(builders.camera_command())) | {"colour": {"roof": "red"}}
    assert decode(json.dumps(fields).encode(), CameraCommand) == builders.camera_command()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"capturedAt": "yesterday"}, "$.capturedAt"),
        ({"capturedAt": "2026-11-23T12:00:00"}, "$.capturedAt"),
        ({"riskLevel": "extreme"}, "$.riskLevel"),
        ({"cameraId": True}, "$.cameraId"),
        ({"latency": {"queueMs": 1}}, "$.latency"),
        ({"schemaVersion": 2}, "schemaVersion 2"),
        ({"schemaVersion": 0}, "$.schemaVersion"),
        ({"cameraId": ""}, "$.cameraId"),
        ({"cameraId": 1.5}, "$.cameraId"),
        ({"attempts": -1}, "$.attempts"),
        ({"groupIndex": 2**31}, "$.groupIndex"),
        ({"groupIndex": 2**70}, "$.groupIndex"),
        ({"triggerObjectIds": [2**40]}, "$.triggerObjectIds"),
        ({"confidence": 1e308}, "$.confidence"),
        ({"confidence": None}, "$.confidence"),
        ({"status": "failed", "riskLevel": "none"}, "riskLevel must be unknown"),
        ({"cameraId": 1, "attempts": "x"}, "$.attempts"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_path(change, said):
    fields = json.loads(encode(builders.risk_assessment())) | change
    with pytest.raises(BadMessage, match=said.replace("$", r"\$")):
        decode(json.dumps(fields).encode(), RiskAssessment)


@pytest.mark.parametrize("missing", ["taskId", "groupCount", "status"])
def test_a_missing_field_is_named(missing):
    fields = json.loads(encode(builders.risk_assessment()))
    del fields[missing]
    with pytest.raises(BadMessage, match=missing):
        decode(json.dumps(fields).encode(), RiskAssessment)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b"{}{}",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"cameraId":1}',
        b'{"cameraId":1,"a":' + b"[" * 100_000,
        b'{"cameraId":1,"a":NaN}',
        b'{"cameraId":1,"a":' + b"9" * 10_000 + b"}",
        b'{"cameraId":1,"a":1e999}',
        b'{"cameraId":"\\ud800"}',
        b'{"cameraId":"\xed\xa0\x80"}',
        b"<html>bad gateway</html>",
    ],
)
@pytest.mark.parametrize("message_type", TYPES.values(), ids=lambda t: t.__name__)
def test_bytes_that_are_no_message_are_bad_messages(raw, message_type):
    with pytest.raises(BadMessage):
        decode(raw, message_type)


@pytest.mark.parametrize("message_type", TYPES.values(), ids=lambda t: t.__name__)
@given(seed=st.integers(0, 2**32), edits=st.integers(1, 12))
def test_a_damaged_message_either_decodes_or_is_a_bad_message(message_type, seed, edits):
    rng = random.Random(seed)
    raw = bytearray(encode(BUILDERS[message_type]()))
    for _ in range(edits):
        at = rng.randrange(len(raw))
        raw[at : at + rng.randrange(3)] = rng.randbytes(rng.randrange(3))
    try:
        message = decode(bytes(raw), message_type)
    except BadMessage:
        return
    assert isinstance(message, message_type)


@given(
    text=st.text(),
    number=st.floats(-1e15, 1e15),
    count=st.integers(0, 2**31 - 1),
    camera_id=st.text(st.characters(codec="utf-8"), min_size=1, max_size=200),
    when=st.datetimes(timezones=st.just(UTC)),
)
def test_any_text_number_and_time_survives_the_wire(text, number, count, camera_id, when):
    message = builders.risk_assessment(
        description=text, confidence=number, attempts=count, camera_id=camera_id, captured_at=when
    )
    assert decode(encode(message), RiskAssessment) == message


@given(st.lists(st.tuples(st.integers(-(2**31), 2**31 - 1), st.text()), max_size=5))
def test_any_detections_survive_the_wire(objects):
    message = builders.detection_result(
        detections=tuple(builders.detection(object_id=i, class_name=name) for i, name in objects)
    )
    assert decode(encode(message), DetectionResult) == message


@pytest.mark.parametrize(
    ("text", "written"),
    [("cut \ud83d", "cut \ufffd"), ("\udc00x", "\ufffdx"), ("\ud83d\ude97", "🚗")],
)
def test_half_a_character_of_a_cut_answer_does_not_stop_a_message(text, written):
    message = builders.risk_assessment(description=text, risk_types=(text,))
    read = decode(encode(message), RiskAssessment)
    assert (read.description, read.risk_types) == (written, (written,))


@pytest.mark.parametrize("status", ["expired", "failed"])
def test_what_was_not_assessed_cannot_have_a_level(status):
    with pytest.raises(ValueError, match="riskLevel must be unknown"):
        builders.risk_assessment(status=status, risk_level="none")


def test_messages_cannot_be_changed():
    with pytest.raises(AttributeError):
        builders.camera_command().name = "other"
    assert msgspec.structs.replace(builders.camera_command(), name="other").name == "other"
