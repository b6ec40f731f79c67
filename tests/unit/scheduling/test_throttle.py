"""A 429 is told apart by its body."""

import pytest

from streaming.scheduling.throttle import Throttle, cause_of, is_exhausted


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b'{"error":{"code":"limit_requests"}}', Throttle.REQUESTS),
        (b'{"error":{"message":"Requests rate limit exceeded, please try again later."}}',
         Throttle.REQUESTS),
        (b'{"error":{"message":"You exceeded your current requests list."}}', Throttle.REQUESTS),
        (b'{"code":"Throttling.RateQuota","message":"slow down"}', Throttle.REQUESTS),
        (b'{"error":{"message":"Allocated quota exceeded","code":"x"}}', Throttle.TOKENS),
        (b'{"message":"You exceeded your current quota, check your plan and billing details"}', Throttle.TOKENS),
        (b'{"error":{"message":"x","code":"insufficient_quota"}}', Throttle.TOKENS),
        (b'{"code":"Throttling.AllocationQuota"}', Throttle.TOKENS),
        (b'{"error":{"code":"limit_burst_rate"}}', Throttle.BURST),
        (b'{"error":{"message":"Request rate increased too quickly."}}', Throttle.BURST),
        (b'{"error":{"code":"rate_limit_exceeded"}}', Throttle.REQUESTS),
        (b"<html>bad gateway</html>", Throttle.UNKNOWN),
        (b"", Throttle.UNKNOWN),
    ],
)  # fmt: skip
def test_a_429_is_told_apart_by_its_body(body, cause):
    assert cause_of(body) is cause
    assert not is_exhausted(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"code":"Arrearage","message":"Access denied"}',
        b'{"message":"please make sure your account is in good standing."}',
        b'{"error":{"code":"AllocationQuota.FreeTierOnly"}}',
        b'{"error":{"code":"PrepaidBillOverdue"}}',
    ],
)
def test_an_account_without_credit_is_no_throttle(body):
    assert is_exhausted(body)
