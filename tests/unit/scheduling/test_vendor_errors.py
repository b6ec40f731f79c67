"""What an answer other than 200 means."""

from datetime import UTC, datetime

import pytest

from streaming.errors import (
    AccountExhausted,
    BadRequest,
    KeyRejected,
    ModelMissing,
    NoApi,
    Overloaded,
    ProviderTimeout,
    ProviderUnavailable,
    Throttled,
)
from streaming.scheduling.vendor_errors import (
    Response,
    error_of,
    is_html,
    retry_after,
)
from streaming.settings.vendors import Vendor

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
HTML = b"<!DOCTYPE html><html><body>Sign in</body></html>"


def error_for(status: int, body: bytes = b"", **headers: str):
    lowered = {k.replace("_", "-"): v for k, v in headers.items()}
    base_url = "https://user:pass@models.example/v1"
    return error_of(
        Response(status, lowered, body),
        base_url=base_url,
        vendor=Vendor.OTHER,
        key_id="key_1",
        secret="sk-secret",
        now=NOW,
    )


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, b'{"error":{"message":"bad image"}}', BadRequest),
        (400, b'{"code":"Arrearage","message":"Access denied"}', AccountExhausted),
        (401, b'{"error":{"code":"invalid_api_key"}}', KeyRejected),
        (401, HTML, NoApi),
        (403, b'{"error":{"message":"no permission"}}', KeyRejected),
        (403, HTML, NoApi),
        (403, b'{"error":{"code":"AllocationQuota.FreeTierOnly"}}', AccountExhausted),
        (400, b'{"error":{"message":"Model Not Exist"}}', ModelMissing),
        (400, b'{"error":{"code":"invalid_model","message":"The model is deaf"}}', BadRequest),
        (404, b'{"error":{"message":"model not found"}}', ModelMissing),
        (404, b'{"error":{"code":"model_not_found"}}', ModelMissing),
        (404, b'{"error":{"message":"The model `m` does not exist or you do not have access to it."}}',
         ModelMissing),
        (404, b'{"error":{"message":"model \\"m\\" not found, try pulling it first"}}', ModelMissing),
        (404, b'{"detail":"Not Found"}', NoApi),
        (404, HTML, NoApi),
        (408, b"", ProviderTimeout),
        (413, b"too large", BadRequest),
        (422, b"", BadRequest),
        (429, b"", Throttled),
        (429, HTML, Throttled),
        (429, b'{"error":{"code":"insufficient_quota"}}', Throttled),
        (301, b"", NoApi),
        (500, b"oops", ProviderUnavailable),
        (502, HTML, NoApi),
        (503, b"\xff\xfe", ProviderUnavailable),
        (529, b"{}", Overloaded),
    ],
)  # fmt: skip
def test_the_most_specific_reading_wins(status, body, kind):
    error = error_for(status, body)
    assert type(error) is kind
    assert str(error)
    assert "\n" not in str(error)
    assert "user:pass" not in str(error)


def test_html_names_the_setting_to_look_at():
    assert "provider.base_url" in str(error_for(502, HTML))
    page = b"<html><head><title>502\n Bad Gateway</title></head></html>"
    assert "502: 502 Bad Gateway" in str(error_for(502, page))


@pytest.mark.parametrize("before", range(195, 201))
def test_a_key_that_the_server_repeats_is_masked_before_the_message_is_cut(before):
    body = b"x" * before + b"sk-secret"
    assert "sk-" not in str(error_for(400, body))
    assert "sk-" not in str(error_for(400, b'{"message": "%s"}' % body))


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
