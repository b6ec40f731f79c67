"""The wall begins in the language of the descriptions, where somebody chose one."""

import pytest
from aiohttp.test_utils import make_mocked_request

from streaming.api.app import _index


@pytest.mark.parametrize(
    ("language", "begins"),
    [
        ("auto", '<html lang="en">'),
        ("zh", '<html data-language="zh" lang="en">'),
        ("en", '<html data-language="en" lang="en">'),
    ],
)
async def test_the_page_says_which(language, begins):
    answer = await _index(language)(make_mocked_request("GET", "/"))
    assert begins in answer.text
    assert (answer.content_type, answer.headers["Cache-Control"]) == ("text/html", "no-cache")
