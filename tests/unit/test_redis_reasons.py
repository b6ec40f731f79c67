"""What to do when Redis ends a TLS connection without a word."""

import pytest

from streaming.redis_reasons import advice


@pytest.mark.parametrize(
    "said",
    [
        "Error 8 while writing to socket. EOF occurred in violation of protocol (_ssl.c:2427).",
        "Connection closed by server.",
        "Error 104 while writing to socket. Connection reset by peer.",
        "Error while reading: [SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] (_ssl.c:2580)",
    ],
)
def test_a_server_that_wants_a_certificate_and_gets_none(said):
    told = advice(ConnectionError(said), tls=True)
    assert "set redis.tls.certificate_file and redis.tls.key_file" in told


def test_what_plain_connections_are_told_stays():
    assert "rediss://" in advice(ConnectionError("Connection closed by server."), tls=False)
