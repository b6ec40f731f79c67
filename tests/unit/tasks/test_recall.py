"""From when on a new owner of a partition reads the sent tasks again."""

import pytest

from streaming.tasks.gate import GatePolicy, gate
from streaming.tasks.plan import PlanPolicy, plan
from streaming.tasks.recall import Start, mark
from tests.unit.tasks.messages import NOW, group, message

NOW_MS = int(NOW.timestamp() * 1000)


def test_the_mark_is_a_little_before_the_oldest_task_that_is_remembered():
    detection = message([group(0)])
    state = gate((), detection, plan(detection, PlanPolicy()), NOW, GatePolicy()).state
    cameras = {"1": state, "2": ()}
    assert mark(cameras) == f"gate:{NOW_MS - 10_000}"
    assert mark({"2": ()}) == mark({}) == "gate:"


@pytest.mark.parametrize(
    ("offset", "metadata", "since_ms"),
    [
        (-1001, "", NOW_MS),
        (7, "gate:", None),
        (7, "gate:123", 123),
        (7, "", NOW_MS - 120_000),
        (7, "something else", NOW_MS - 120_000),
    ],
)
def test_without_a_mark_it_begins_well_before_the_first_message(offset, metadata, since_ms):
    assert Start(0, offset, metadata, NOW_MS).since_ms(GatePolicy()) == since_ms
