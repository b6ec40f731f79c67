"""What an answer other than 200 means."""

from datetime import UTC, datetime

import pytest

from streaming.errors import (
    BadRequest,
    KeyRejected,
    ProviderTimeout,
    ProviderUnavailable,
    Throttled,
)
from streaming.scheduling.vendor_errors import Response, error_of, is_html, retry_after

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
HTML = b"<!DOCTYPE html><html><body>Sign in</body></html>"


def error_for(status: int, body: bytes = b"", **headers: str):
    lowered = {k.replace("_", "-"): v for k, v in headers.items()}
    base_url = "https://user:pass@models.example/v1"
    return error_of(Response(status, lowered, body), base_url=base_url, key_id="key_1", now=NOW)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, b'{"error":{"message":"bad image"}}', BadRequest),
        (400, b'{"code":"Arrearage","message":"Access denied"}', KeyRejected),
        (401, b'{"error":{"code":"invalid_api_key"}}', KeyRejected),
        (401, HTML, ProviderUnavailable),
        (403, b'{"error":{"message":"no permission"}}', KeyRejected),
        (403, HTML, ProviderUnavailable),
        (403, b'{"error":{"code":"AllocationQuota.FreeTierOnly"}}', KeyRejected),
        (404, b'{"error":{"message":"model not found"}}', BadRequest),
        (404, HTML, ProviderUnavailable),
        (408, b"", ProviderTimeout),
        (413, b"too large", BadRequest),
        (422, b"", BadRequest),
        (429, b"", Throttled),
        (429, HTML, Throttled),
        (429, b'{"error":{"code":"insufficient_quota"}}', Throttled),
        (301, b"", ProviderUnavailable),
        (500, b"oops", ProviderUnavailable),
        (502, HTML, ProviderUnavailable),
        (503, b"\xff\xfe", ProviderUnavailable),
        (529, b"{}", ProviderUnavailable),
    ],
)
def test_the_most_specific_reading_wins(status, body, kind):
    error = error_for(status, body)
    assert type(error) is kind
    assert str(error)
    assert "\n" not in str(error)
    assert "user:pass" not in str(error)


def test_html_names_the_setting_to_look_at():
    assert "provider.base_url" in str(error_for(502, HTML))
    assert "HTML" in str(error_for(502, HTML))


def test_a_long_message_is_cut():
    assert len(str(error_for(400, b"x" * 100_000))) < 400


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("5", 5.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("99999999", 3600.0),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("nan", None),
        ("Sun, 99 Mar 2026 12:00:30", None),
    ],
)
def test_retry_after_in_seconds_or_as_a_date(value, seconds):
    assert retry_after(value, NOW) == seconds


def test_a_429_carries_its_cause_and_how_long_to_wait():
    error = error_for(429, b'{"error":{"code":"limit_burst_rate"}}', retry_after="3")
    assert isinstance(error, Throttled)
    assert (error.cause, error.retry_after_s) == ("burst", 3.0)


@pytest.mark.parametrize(
    ("headers", "body", "html"),
    [
        ({"content-type": "text/html; charset=utf-8"}, b"{}", True),
        ({"content-type": "application/json"}, b"{}", False),
        ({}, b"\n  <HTML>", True),
        ({}, b"<xml>", False),
    ],
)
def test_a_web_page_is_recognised(headers, body, html):
    assert is_html(Response(200, headers, body)) is html
