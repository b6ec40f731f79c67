"""Where requests go."""

import pytest

from streaming.scheduling.endpoint import completions_url


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("https://a.example/v1", "https://a.example/v1/chat/completions"),
        ("https://a.example/v1/", "https://a.example/v1/chat/completions"),
        ("https://a.example", "https://a.example/chat/completions"),
        ("https://a.example/v1/chat/completions", "https://a.example/v1/chat/completions"),
        ("https://a.example/v1/chat/completions/", "https://a.example/v1/chat/completions"),
        (
            "https://a.example/d/m?api-version=1",
            "https://a.example/d/m/chat/completions?api-version=1",
        ),
        ("https://a.example/v1?a=b%26c#x", "https://a.example/v1/chat/completions?a=b%26c"),
        ("http://u:p%40@[::1]:8000/v%201", "http://u:p%40@[::1]:8000/v%201/chat/completions"),
    ],
)
def test_a_base_url_in_any_usual_form_leads_to_chat_completions(base_url, url):
    assert str(completions_url(base_url)) == url
