"""The plan: one task a group, all of it following from the message."""

from datetime import timedelta

import pytest
from hypothesis import given

from streaming.errors import BadMessage
from streaming.messages import AssessmentTask, decode, encode
from streaming.tasks.plan import PlanPolicy, plan
from streaming.tasks.write import Written, write
from tests.unit.tasks.messages import CAPTURED, NOW, any_message, group, message, user


def planned(detection, **policy):
    """The tasks as their readers see them."""
    chosen = plan(detection, PlanPolicy(**policy))
    values = write(detection, encode(detection), chosen, NOW) if chosen else ()
    return tuple(decode(value, AssessmentTask) for value in values)


def test_each_group_becomes_one_task():
    first, second = planned(message([group(0, (0, 1), crop="abc"), group(1, (3, 2))]))
    assert (first.task_id, second.task_id) == ("0190-a:0", "0190-a:1")
    assert (first.group_count, first.camera_id, first.frame_size) == (2, "7", (640, 360))
    assert (first.image_ref, second.image_ref) == ("abc", None)
    assert [o.object_id for o in second.objects] == [3, 2]
    assert first.xyxy == (0.0, 0.0, 60.0, 50.0)


def test_a_frame_without_groups_makes_no_task():
    assert planned(message([])) == ()


def test_the_deadline_counts_from_the_capture_even_when_it_is_past():
    old = message([group(0)], captured_at=CAPTURED - timedelta(hours=2))
    (task,) = planned(old, task_deadline_s=30)
    assert task.deadline_at == old.captured_at + timedelta(seconds=30)
    assert task.created_at == NOW


@pytest.mark.parametrize(
    ("risk", "near", "people", "camera", "priority"),
    [
        (0.0, None, False, 0, 0),
        (0.5, None, False, 50, 40),
        (0.5, None, True, 50, 50),
        (0.5, 35.0, True, 50, 60),
        (1.0, 1.0, True, 100, 100),
        (-3.0, None, False, 0, 0),
        (7.0, 5.0, True, 100, 100),
    ],
)
def test_priorities(risk, near, people, camera, priority):
    users = (user(0, "person" if people else "car"), user(1))
    detection = message([group(0, risk=risk, near=near)], users)
    (task,) = planned(detection, camera_priorities={"7": camera})
    assert task.priority == priority


def test_a_pedestrian_in_the_way_of_a_car_comes_before_a_queue_of_cars():
    detection = message([group(0, risk=0.5), group(1, risk=0.6, near=20.0)])
    queue, pedestrian = planned(detection)
    assert pedestrian.priority > queue.priority


@pytest.mark.parametrize(
    ("detection", "told"),
    [
        (message([group(0, (0, 99))]), r"groups\[0\]: member 99 is not among the detections"),
        (message([group(0, (1, 1))]), r"groups\[0\]: a member comes twice"),
        (message([group(1), group(1)]), "a groupIndex comes twice"),
        (message([group(0)], users=(1, 1)), "an objectId comes twice"),
        (message([group(0)], message_id=""), "messageId has 0 characters"),
        (message([group(0)], message_id="m" * 190), "messageId has 190 characters"),
        (
            message([group(0)], captured_at=CAPTURED.replace(year=9999, month=12, day=31)),
            "capturedAt 9999-12-31T12:00:00.* is out of range",
        ),
    ],
)
def test_a_message_that_contradicts_itself_is_refused(detection, told):
    with pytest.raises(BadMessage, match=told):
        plan(detection, PlanPolicy(task_deadline_s=86_400))


@given(any_message)
def test_any_message_is_planned_or_refused_and_every_task_can_be_sent(detection):
    try:
        tasks = planned(detection)
    except BadMessage:
        return
    assert len(tasks) == len(detection.groups)
    assert len({t.task_id for t in tasks}) == len(tasks)
    for task in tasks:
        assert 0 <= task.priority <= 100
        assert task.group_count == len(tasks)
        group = next(g for g in detection.groups if g.group_index == task.group_index)
        assert (task.xyxy, task.spatial) == (group.xyxy, group.spatial)
        assert (task.surrogate_risk, task.image_ref) == (group.surrogate_risk, group.crop_ref)
        assert tuple(o.object_id for o in task.objects) == group.member_object_ids
        assert set(task.objects) <= set(detection.detections)
    assert planned(detection) == tasks


def test_a_task_is_written_with_the_fields_of_the_contract_in_their_order():
    assert Written.__struct_encode_fields__ == AssessmentTask.__struct_encode_fields__


def test_objects_are_copied_in_the_words_of_the_message():
    detection = message([group(0, (1,))])
    raw = encode(detection).replace(b'"confidence":0.9', b'"confidence": 9.0e-1, "colour":"red"')
    (value,) = write(detection, raw, plan(detection, PlanPolicy()), NOW)
    assert b'"confidence": 9.0e-1, "colour":"red"' in value
    assert decode(value, AssessmentTask).objects == (detection.detections[1],)


def test_what_is_not_ascii_is_written_anew_as_fields_that_nobody_knows_are_not_checked():
    detection = message([group(0, (1,))])
    raw = encode(detection).replace(b'"confidence":0.9', b'"confidence":0.9,"colour":"\xff"')
    (value,) = write(detection, raw, plan(detection, PlanPolicy()), NOW)
    assert value.isascii()
    assert decode(value, AssessmentTask).objects == (detection.detections[1],)
