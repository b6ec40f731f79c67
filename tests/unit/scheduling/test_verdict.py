"""What an answer means, however it is dressed."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.errors import BadAnswer
from streaming.scheduling.verdict import Thresholds, Verdict, demoted, parse

GOOD = {
    "riskLevel": "medium",
    "confidence": 0.7,
    "riskTypes": ["跟车过近"],
    "description": "两车间距过小。",
    "dangerObjectCount": 2,
    "triggerObjectIds": [1, 2],
}
EXPECTED = Verdict("medium", 0.7, ("跟车过近",), "两车间距过小。", 2, (1, 2))


def read(text: str) -> Verdict:
    return parse(text, [1, 2, 3], Thresholds())


def with_(**fields) -> str:
    return json.dumps(GOOD | fields, ensure_ascii=False)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(GOOD),
        "```json\n" + json.dumps(GOOD) + "\n```",
        "Here is my assessment:\n\n" + json.dumps(GOOD, indent=2) + "\n\nStay safe!",
        "{not this} but " + json.dumps(GOOD),
        '{"thinking": {"a": 1}} ' + json.dumps(GOOD),
        json.dumps([GOOD]),
        json.dumps({"verdict": GOOD}),
        json.dumps(GOOD) + "\nAgain: " + json.dumps(GOOD),
        json.dumps(GOOD) + "\nOr: " + json.dumps(GOOD | {"riskLevel": "MEDIUM "}),
        "<think>" + with_(riskLevel="none") + "</think>\n" + json.dumps(GOOD),
        "Hmm, perhaps " + with_(riskLevel="high") + "? No.</think>" + json.dumps(GOOD),
        "<think>one</think><THINK>two {</THINK>" + json.dumps(GOOD),
        json.dumps(GOOD) + "<think>was that right? " + with_(riskLevel="low") + "</think>",
        "◁think▷" + with_(riskLevel="none") + "◁/think▷" + json.dumps(GOOD),
        "A draft: " + with_(riskLevel="high", confidence=0.9) + "\nFinally: " + json.dumps(GOOD),
        'The sign says {"riskLevel":"none","confidence":1}. ' + json.dumps(GOOD),
        json.dumps([{"id": n, "box": [n, n]} for n in range(25)]) + json.dumps(GOOD),
        json.dumps({"objects": [{"id": n, "riskLevel": "low"} for n in range(25)]} | GOOD),
        with_(confidence="0.7"),
        with_(confidence="70%"),
        with_(confidence=70),
        with_(riskLevel=" Medium "),
        with_(riskLevel="中"),
        with_(riskLevel="medium risk"),
        with_(riskTypes="跟车过近"),
        with_(dangerObjectCount="2"),
        with_(dangerObjectCount=None),
        with_(triggerObjectIds=["1", 2.0]),
        with_(triggerObjectIds=[1, 99, 2, 2, "x", None, {}]),
        with_(extra="ignored"),
        json.dumps(
            {"risk_level": "medium", "confidence": 0.7, "risk_types": ["跟车过近"],
             "description": "两车间距过小。", "danger_object_count": 2,
             "trigger_object_ids": [1, 2]}
        ),
    ],
)  # fmt: skip
def test_one_verdict_in_many_dresses(text):
    assert read(text) == EXPECTED


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("  \n ", "empty"),
        ("I cannot judge this picture.", "no JSON object"),
        ('{"riskLevel": "hi', "no JSON object"),
        ('{"answer": "none"}', "riskLevel is missing"),
        (with_(riskLevel="catastrophic"), "catastrophic"),
        (with_() + with_(riskLevel="none"), "disagree"),
        (with_(riskLevel=None), "none of"),
        (with_(riskLevel=3), "none of"),
        (with_(riskLevel="unknown"), "none of"),
        (with_(confidence="very sure"), "confidence"),
        (with_(confidence=None), "confidence"),
        (with_(confidence=True), "confidence"),
        (with_(confidence=float("nan")), "confidence"),
        (with_(confidence=float("inf")), "confidence"),
        (with_(confidence=10**400), "confidence"),
        (with_(confidence=-3), "another scale"),
        (with_(confidence=1.2), "another scale"),
        (with_(riskLevel="high", confidence=9), "another scale"),
        (with_(riskLevel="high", confidence="9/10"), "not a number"),
        (with_(riskLevel="high", confidence=40), "another scale"),
        (with_(riskLevel="high", confidence=950), "another scale"),
        (with_() + '{"riskLevel": "none", "confidence": 1, "descr', "not complete"),
        ('{"riskLevel": "high", "riskLevel": "none", "confidence": 0.9}', "none of"),
        ('{"riskLevel": "high", "risk_level": "none", "confidence": 0.9}', "none of"),
        ("<think>" + with_() + "</think>", "empty"),
        ("<think>" + with_(), "empty"),
        (with_() + ' The sign reads {"riskLevel": "none", "confidence": 1}', "disagree"),
        ("[" * 100_000, "no JSON object"),
        ('{"a":' * 100_000, "no JSON object"),
    ],
)
def test_what_is_no_verdict_says_why(text, says):
    with pytest.raises(BadAnswer, match=says):
        read(text)


@pytest.mark.parametrize(
    ("level", "confidence", "stands"),
    [
        ("high", 0.80, "high"),
        ("high", 0.79, "medium"),
        ("high", 0.65, "medium"),
        ("high", 0.64, "low"),
        ("high", 0.44, "none"),
        ("medium", 0.95, "medium"),
        ("medium", 0.5, "low"),
        ("low", 0.45, "low"),
        ("low", 0.4, "none"),
        ("none", 0.0, "none"),
    ],
)
def test_a_level_without_its_confidence_is_lowered(level, confidence, stands):
    assert demoted(level, confidence, Thresholds()) == stands


@pytest.mark.parametrize("bad", ["\\u0000", "\\u001b[31m", "\\u202e", "\\ud83d", "\\u200b"])
def test_what_does_not_print_is_left_out_of_texts(bad):
    text = '{"riskLevel":"low","confidence":0.9,"riskTypes":["a%sb"],"description":"c%sd\\n e"}'
    found = read(text % (bad, bad))
    shown = bad.partition("[")[1:] and "".join(bad.partition("[")[1:])
    assert found.risk_types == (f"a{shown}b",)
    assert found.description == f"c{shown}d e"


def test_texts_and_numbers_are_bounded():
    found = read(
        with_(
            riskTypes=["a" * 500, "b", "", "b", "c", "d"],
            description="x " * 5000,
            dangerObjectCount=10**9,
            confidence=0.1,
        )
    )
    assert [len(t) for t in found.risk_types] == [40, 1, 1]
    assert len(found.description) == 500
    assert found.danger_object_count == 3
    assert found.confidence == 0.1
    assert found.risk_level == "none"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(max_examples=50, deadline=None)
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(GOOD, json_values)))
def test_any_json_is_a_verdict_or_a_bad_answer(fields):
    try:
        found = read(json.dumps(GOOD | fields))
    except BadAnswer:
        return
    assert 0 <= found.confidence <= 1
    assert set(found.trigger_object_ids) <= {1, 2, 3}
    assert 0 <= found.danger_object_count <= 3


@given(st.text())
def test_any_text_is_a_bad_answer_at_worst(text):
    try:
        read(text)
    except BadAnswer as exc:
        assert str(exc)  # noqa: PT017
