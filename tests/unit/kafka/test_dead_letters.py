"""A dead letter is the message as it came, and why."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from streaming.kafka import dead_letters

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@dataclass
class FakeProducer:
    full: int = 0
    sent: list = field(default_factory=list)
    flushed: int = 0

    def produce(self, topic, **letter):
        if self.full:
            raise BufferError
        self.sent.append((topic, letter))

    def flush(self, _timeout_s):
        self.flushed += 1
        self.full -= 1


@dataclass
class FakeRecord:
    own_headers: list | None = None

    def topic(self):
        return "assessment-tasks"

    def partition(self):
        return 3

    def offset(self):
        return 41

    def key(self):
        return b"k"

    def value(self):
        return b"\x00garbage"

    def headers(self):
        return self.own_headers


def _send(producer, record, error="bad"):
    dead_letters.send(producer, record, stage="scheduling", error=error, now=NOW)


@pytest.mark.parametrize(
    ("topic", "dlq"),
    [("detection-results", "detection-results.dlq"), ("a.dlq", "a.dlq")],
)
def test_the_dead_letter_topic_lies_beside_its_source(topic, dlq):
    assert dead_letters.dlq_topic(topic) == dlq


def test_bytes_key_and_own_headers_are_kept():
    producer = FakeProducer()
    _send(producer, FakeRecord([("traceparent", b"00-ab")]))
    ((topic, letter),) = producer.sent
    assert topic == "assessment-tasks.dlq"
    assert (letter["key"], letter["value"]) == (b"k", b"\x00garbage")
    assert letter["headers"] == [
        ("traceparent", b"00-ab"),
        ("error", b"bad"),
        ("source-topic", b"assessment-tasks"),
        ("source-partition", b"3"),
        ("source-offset", b"41"),
        ("stage", b"scheduling"),
        ("failed-at", b"2026-11-23T12:00:00+00:00"),
    ]


def test_a_letter_that_fails_again_carries_only_the_last_reason():
    producer = FakeProducer()
    _send(producer, FakeRecord([("error", b"old"), ("stage", b"tasks")]), error=KeyError("new"))
    headers = producer.sent[0][1]["headers"]
    assert [value for name, value in headers if name == "error"] == [b"KeyError: 'new'"]
    assert len(headers) == len(dead_letters.REASON_HEADERS)


def test_a_long_reason_is_cut():
    producer = FakeProducer()
    _send(producer, FakeRecord(), error="x" * 10_000)
    assert len(dict(producer.sent[0][1]["headers"])["error"]) == 2_000


def test_a_full_queue_is_waited_for_once():
    producer = FakeProducer(full=1)
    _send(producer, FakeRecord())
    assert (len(producer.sent), producer.flushed) == (1, 1)


def test_a_queue_that_stays_full_is_an_error():
    with pytest.raises(BufferError):
        _send(FakeProducer(full=2), FakeRecord())
