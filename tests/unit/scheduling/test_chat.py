"""The bytes of a request, and the text in an answer."""

import base64
import json

import pytest

from streaming.errors import BadAnswer
from streaming.scheduling.chat import (
    Exchange,
    Reply,
    Sampling,
    cheapest_request,
    reply,
    request,
    with_parameters,
)
from streaming.scheduling.prompt import Prompt

PROMPT = Prompt("the rules", "the case", "en-1")
SAMPLING = Sampling(max_tokens=300, temperature=0.1)


def test_a_request_with_a_picture_has_it_before_the_text():
    body = json.loads(request("m", PROMPT, image=b"\xff\xd8jpeg"))
    system, user = body["messages"]
    assert system == {"role": "system", "content": "the rules"}
    url = user["content"][0]["image_url"]["url"]
    assert base64.b64decode(url.removeprefix("data:image/jpeg;base64,")) == b"\xff\xd8jpeg"
    assert user["content"][1] == {"type": "text", "text": "the case"}
    assert body["model"] == "m"


def test_a_repair_shows_the_model_its_own_answer_cut_to_a_bound():
    earlier = Exchange("x" * 100_000, "Answer again.")
    body = json.loads(request("m", PROMPT, earlier=earlier))
    roles = [m["role"] for m in body["messages"]]
    assert roles == ["system", "user", "assistant", "user"]
    assert len(body["messages"][2]["content"]) == 4_000


@pytest.mark.parametrize(
    "text",
    [
        '{"url":"data:image/jpeg;base64,',
        '"image_url":{"url":"data:image/jpeg;base64,"}',
        "\\",
        "行人",
    ],
)
def test_a_picture_lands_in_its_place_whatever_the_texts_say(text):
    asked = Prompt(text, text, "en-1")
    earlier = Exchange(text, text)
    body = json.loads(request(text, asked, image=b"\xff\xd8", earlier=earlier))
    assert body["model"] == text
    user = body["messages"][1]["content"]
    assert user[0]["image_url"]["url"] == "data:image/jpeg;base64,/9g="
    assert [m["content"] for m in body["messages"] if m["role"] != "user"] == [text, text]
    assert user[1]["text"] == text


def test_parameters_go_beside_the_messages_and_change_nothing_else():
    body = request("m", PROMPT, image=b"\xff\xd8")
    asked = json.loads(with_parameters(body, SAMPLING.parameters()))
    assert (asked.pop("max_tokens"), asked.pop("temperature")) == (300, 0.1)
    assert asked == json.loads(body)
    assert with_parameters(body, {}) == body


def test_the_cheapest_call_says_little():
    assert len(cheapest_request("m")) < 100


def completion(content: object, **more: object) -> bytes:
    return json.dumps({"choices": [{"message": {"content": content}}], **more}).encode()


def said(content: object, finish: object = "stop", **beside: object) -> bytes:
    choice = {"message": {"content": content, **beside}, "finish_reason": finish}
    return json.dumps({"choices": [choice]}).encode()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (completion("hi", model="m", usage={"prompt_tokens": 5, "completion_tokens": 2}),
         Reply("hi", "m", 5, 2)),
        (completion("hi"), Reply("hi", "", 0, 0)),
        (completion(None), Reply("", "", 0, 0)),
        (completion([{"type": "text", "text": "a"}, {"text": "b"}]), Reply("ab", "", 0, 0)),
        (completion("x", usage={"prompt_tokens": -5, "completion_tokens": 2}), Reply("x", "", 0, 2)),
        (completion("x", usage={"prompt_tokens": None, "completion_tokens": "many"}), Reply("x", "", 0, 0)),
        (completion("x", usage={"prompt_tokens": 10**30, "completion_tokens": 2.0}), Reply("x", "", 100_000_000, 2)),
        (completion("x", usage={"prompt_tokens": True}, model=None), Reply("x", "", 0, 0)),
        (completion("x", model="m\n" * 500), Reply("x", "m" * 100, 0, 0)),
        (completion(["a", {"text": "b"}, 5]), Reply("b", "", 0, 0)),
        (said("", reasoning_content="{}"), Reply("{}", "", 0, 0)),
        (said(None, reasoning="{}"), Reply("{}", "", 0, 0)),
        (said(" \n", reasoning=5), Reply("", "", 0, 0)),
        (said("yes", reasoning="no"), Reply("yes", "", 0, 0)),
        (said("half", finish="length"), Reply("half", "", 0, 0, "cut_short")),
        (said("", finish="length", reasoning="{}"), Reply("", "", 0, 0, "cut_short")),
        (said("half", finish=["length"]), Reply("half", "", 0, 0)),
        (said("", finish="content_filter"), Reply("", "", 0, 0, "refused")),
        (said("", finish="sensitive"), Reply("", "", 0, 0, "refused")),
        (said(None, refusal="I will not"), Reply("I will not", "", 0, 0, "refused")),
    ],
)  # fmt: skip
def test_the_text_of_an_answer(body, expected):
    assert reply(body) == expected


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"{}", b'{"choices": []}', b'{"choices": [{}]}', b"\xff\xfe",
     b'{"choices": "x"}', b'{"choices": [{"message": {"content": 5}}]}', b"[" * 100_000],
)  # fmt: skip
def test_what_is_no_completion_is_a_bad_answer(body):
    with pytest.raises(BadAnswer):
        reply(body)
