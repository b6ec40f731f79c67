"""When a client that runs is told to end: all brokers shut us out, or a right is missing."""

import logging

import pytest
from confluent_kafka import KafkaError

from streaming.errors import KafkaRefused
from streaming.kafka.checked import ClientErrors
from streaming.kafka.refusals import Right
from streaming.settings import KafkaSecurity, KafkaSettings

KAFKA = KafkaSettings(
    bootstrap_servers="127.0.0.1:9",
    security=KafkaSecurity(
        protocol="SASL_PLAINTEXT", mechanism="PLAIN", username="me", password="s3cret-s3cret"
    ),
)
WRONG_PASSWORD = KafkaError(
    KafkaError._AUTHENTICATION,
    "sasl_ssl://127.0.0.1:9/1: SASL authentication error: bad (after 3ms in state AUTH_REQ)",
)
ALL_DOWN = KafkaError(KafkaError._ALL_BROKERS_DOWN, "2/2 brokers are down")
GROUP = Right("READ", "group", "g")


def test_one_broker_that_refuses_us_is_no_reason_to_end():
    errors = ClientErrors(KAFKA)
    errors.on_error(WRONG_PASSWORD)
    errors.raise_if_refused()
    errors.on_error(ALL_DOWN)
    with pytest.raises(KafkaRefused, match="does not accept user me with this password"):
        errors.raise_if_refused()


def test_brokers_that_are_only_away_are_waited_for():
    errors = ClientErrors(KAFKA)
    errors.on_error(KafkaError(KafkaError._TRANSPORT, "connect refused"))
    errors.on_error(ALL_DOWN)
    errors.raise_if_refused()


def test_an_error_that_comes_again_and_again_is_logged_once(caplog):
    errors = ClientErrors(KAFKA)
    with caplog.at_level(logging.WARNING):
        for after_ms in range(50):
            text = f"ssl://b:1/2: connect failed (after {after_ms}ms in state CONNECT)"
            errors.on_error(KafkaError(KafkaError._TRANSPORT, text))
    assert len(caplog.records) == 1


def test_a_right_that_is_missing_is_named_unless_it_was_not_needed():
    denied = KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED)
    reader, member = ClientErrors(KAFKA), ClientErrors(KAFKA, GROUP)
    reader.note(denied)
    reader.raise_if_refused()
    member.note(denied)
    with pytest.raises(
        KafkaRefused, match=r"user me may not READ group g .*--operation Read --group g"
    ):
        member.raise_if_refused()
