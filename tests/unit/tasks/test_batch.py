"""A batch: every record either planned or set aside with its reason, offsets past them all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.messages import AssessmentTask, DetectionResult, decode, encode
from streaming.tasks.batch import next_offsets, plan_batch
from streaming.tasks.decide import Policy
from tests.unit.tasks.messages import NOW, any_message, group, message, user


class Record:
    def __init__(self, value, partition=0, offset=0, headers=None):
        self._fields = (value, partition, offset, headers)

    def topic(self):
        return "detection-results"

    def key(self):
        return b"7"

    def value(self):
        return self._fields[0]

    def partition(self):
        return self._fields[1]

    def offset(self):
        return self._fields[2]

    def headers(self):
        return self._fields[3]


def batch_of(*records, before=None, after=None):
    after = {} if after is None else after
    return plan_batch(records, Policy(), NOW, before or {}, after)


GOOD = encode(message([group(0), group(1)]))


def test_tasks_are_keyed_by_their_message_and_keep_its_trace():
    trace = b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01"
    batch = batch_of(Record(GOOD, headers=[("traceparent", trace)]))
    assert [key for key, _, _ in batch.tasks] == [b"0190-a"] * 2
    headers = dict(batch.tasks[0][2])
    assert headers["traceparent"][:36] == trace[:36]
    assert headers["traceparent"] != trace
    assert (headers["content-type"], headers["schema-version"]) == (b"application/json", b"1")
    assert headers["source"] == b"0:0"
    assert decode(batch.tasks[1][1], AssessmentTask).group_index == 1


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"{not json", "not JSON"),
        (b"", "not JSON"),
        (None, "not JSON"),
        (b'{"messageId": 1}', "Expected `str`, got `int`"),
        (GOOD.replace(b'"schemaVersion":1', b'"schemaVersion":9'), "newer"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "recursion"),
    ],
)
def test_what_cannot_be_planned_is_set_aside_with_its_reason(value, reason):
    batch = batch_of(Record(value, offset=4), Record(GOOD, offset=5))
    ((record, error),) = batch.dead
    assert record.offset() == 4
    assert reason in str(error)
    assert len(batch.tasks) == 2


def test_offsets_are_those_after_the_last_of_each_partition():
    records = [Record(GOOD, 0, 7), Record(b"{not json", 3, 1), Record(GOOD, 0, 8)]
    assert next_offsets(records) == {0: 9, 3: 2}


@st.composite
def mutated(draw):
    """A valid message with some of its bytes changed, cut out or doubled."""
    raw = bytearray(encode(draw(any_message)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(raw) - 1)))
        change = draw(st.sampled_from(["set", "cut", "double"]))
        if change == "set" and raw:
            raw[at] = draw(st.integers(0, 255))
        elif change == "cut":
            del raw[at : at + draw(st.integers(1, 30))]
        else:
            raw[at:at] = raw[at : at + draw(st.integers(1, 30))]
    return bytes(raw)


@given(mutated() | st.binary(max_size=60))
def test_no_bytes_whatever_break_the_worker(raw):
    batch = batch_of(Record(raw, 1, 41))
    assert len(batch.dead) + (1 if batch.tasks else 0) <= 1
    if not batch.dead:
        assert len(batch.tasks) == len(decode(raw, DetectionResult).groups)
    for _, value, _ in batch.tasks:
        decode(value, AssessmentTask)


def test_a_task_too_large_for_kafka_is_set_aside_with_its_whole_message():
    long_name = user(0, "x" * 950_000)
    batch = batch_of(Record(encode(message([group(1, (1, 2)), group(0)], (long_name, 1, 2)))))
    assert batch.tasks == []
    assert "task 0190-a:0 would have 95" in str(batch.dead[0][1])
