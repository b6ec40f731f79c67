"""The simulated model judges by the geometry it is told."""

import json

import pytest

from streaming.messages import Spatial
from streaming.scheduling.prompt import Question, build
from streaming.scheduling.verdict import Thresholds, parse
from streaming.simulator.provider_verdict import answer, scene_in
from tests.unit.scheduling.cases import a_task, an_object


def judged(objects, ttc_s=None, language="en"):
    task = a_task(objects=objects, spatial=Spatial(1.0, 50.0, 50.0, 50.0, ttc_s))
    text = build(task, Question(language)).user
    assert answer(text) == answer(text)
    return json.loads(answer(text))


def car(i, x, speed=40.0):
    velocity = None if speed is None else (speed, 0.0)
    return an_object(i, "car", (x, 100, x + 60, 140), velocity=velocity)


def walker(i, x, feet=138):
    return an_object(i, "person", (x, feet - 45, x + 16, feet), velocity=(0.0, 2.0))


@pytest.mark.parametrize(
    ("objects", "ttc_s", "level"),
    [
        ((car(1, 100), walker(2, 155)), 0.8, "high"),
        ((car(1, 100), walker(2, 155)), 2.0, "high"),
        ((car(1, 100), walker(2, 155)), 4.0, "medium"),
        ((car(1, 100), walker(2, 155)), None, "medium"),
        ((car(1, 100, speed=None), walker(2, 155)), None, "high"),
        ((car(1, 100, speed=0.0), walker(2, 155)), None, "none"),
        ((car(1, 100), walker(2, 175)), 0.8, "high"),
        ((car(1, 100), walker(2, 175)), 4.0, "medium"),
        ((car(1, 100, speed=None), walker(2, 175)), None, "medium"),
        ((car(1, 100), walker(2, 110, feet=90)), 4.0, "none"),
        ((car(1, 100), walker(2, 300)), 0.8, "none"),
        ((car(1, 100), car(2, 165)), 0.5, "medium"),
        ((car(1, 100), car(2, 165)), 3.0, "none"),
        (tuple(car(i, 70 * i) for i in range(6)), None, "low"),
        ((), None, "none"),
    ],
)
def test_the_level_follows_from_who_is_near_whom(objects, ttc_s, level):
    found = judged(objects, ttc_s)
    assert found["riskLevel"] == level
    assert parse(json.dumps(found), range(10), Thresholds()).trigger_object_ids == tuple(
        found["triggerObjectIds"]
    )


def test_most_verdicts_stand_by_their_confidence():
    levels = []
    for i in range(100):
        objects = (car(1, 100 + i), walker(2, 155 + i))
        text = json.dumps(judged(objects, 0.8))
        levels.append(parse(text, [1, 2], Thresholds()).risk_level)
    assert levels.count("high") > 80


@pytest.mark.parametrize(("language", "ascii_"), [("zh", False), ("en", True)])
def test_it_answers_in_the_language_of_the_question(language, ascii_):
    assert judged((car(1, 100), walker(2, 155)), 0.8, language)["description"].isascii() is ascii_


def test_a_prompt_without_objects_gets_a_plain_answer():
    assert answer("1") == "OK"
    assert scene_in('{"a": 1} {"objects": "no list"}') is None
    assert scene_in('say {"objects": []} now') == {"objects": []}


def test_objects_it_cannot_read_are_passed_over():
    text = json.dumps({"objects": [{"id": 1}, {"id": "x", "box": [1, 2, 3, 4]}, None, 7]})
    assert json.loads(answer(text))["riskLevel"] == "none"
