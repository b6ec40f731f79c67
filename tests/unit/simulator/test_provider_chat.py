"""What a request asks for, read without its picture."""

import json

import pytest

from streaming.scheduling.chat import request, with_parameters
from streaming.scheduling.prompt import Question, build
from streaming.simulator.provider_chat import chat_of, without_pictures
from tests.unit.scheduling.cases import a_task

JSON = {"response_format": {"type": "json_object"}}
PROMPT = build(a_task(), Question("zh"))


def test_our_own_request_is_read_with_its_text_and_without_its_picture():
    image = b"\xff\xd8" + bytes(range(256)) * 60
    raw = with_parameters(request("m", PROMPT, image=image), JSON)
    found = chat_of(raw, "default")
    assert (found.model, found.images, found.json_mode, found.stream) == ("m", 1, True, False)
    assert found.text == PROMPT.system + "\n" + PROMPT.user
    assert len(without_pictures(raw)) < len(raw) - 15_000


@pytest.mark.parametrize(
    "text",
    [
        "data:image/png;base64,AAAA",
        'say "data:image/png;base64,AAAA" or not',
        '"data:image/',
        "data:image/png;base64,AAAA\\",
        "\\",
    ],
)
def test_a_text_that_quotes_a_picture_stays_whole(text):
    content = [
        {"type": "text", "text": text},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA/+=="}},
        {"type": "text", "text": text},
    ]
    raw = json.dumps({"messages": [{"role": "user", "content": content}]}).encode()
    found = chat_of(raw, "m")
    assert found.images == 1
    whole = text if not text.startswith("data:image/") else "data:image/"
    assert found.text in {f"{text}\n{text}", f"{whole}\n{whole}"}


@pytest.mark.parametrize(
    "raw",
    [b"", b"[]", b"{}", b'{"messages": 5}', b'{"messages": [{"content": [{}]}]}', b'"data:image/',
     b'{"messages": [{"content": [{"type": "image_url", "image_url": {"url": "ftp://x"}}]}]}'],
)  # fmt: skip
def test_what_is_no_chat_is_an_error(raw):
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        chat_of(raw, "m")
