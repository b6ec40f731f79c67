"""From what was counted to what is reported."""

import pytest

from streaming.benchmark.report import flat
from streaming.benchmark.scheduler.endings import served_again_s
from streaming.benchmark.scheduler.figures import (
    most_within,
    percentiles,
    recovery_s,
    shares_of_even,
)
from streaming.benchmark.scheduler.traffic import End, Times


def steady(rate_per_s, begin_s, end_s, count=0):
    """Samples every tenth of a second of calls that come at one rate."""
    steps = round((end_s - begin_s) * 10)
    return [(begin_s + i / 10, count + round(i * rate_per_s / 10)) for i in range(steps + 1)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], None),
        ([7.0], {"p50": 7.0, "p95": 7.0, "p99": 7.0}),
        (range(101), {"p50": 50.0, "p95": 95.0, "p99": 99.0}),
        ([3, 1, 2], {"p50": 2.0, "p95": 2.9, "p99": 3.0}),
    ],
)
def test_percentiles(values, expected):
    assert percentiles(values) == expected


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ({}, None),
        ({"a": 0, "b": 0}, None),
        ({"a": 5}, {"min": 1.0, "max": 1.0}),
        ({"a": 10, "b": 30}, {"min": 0.5, "max": 1.5}),
        ({"a": 0, "b": 1, "c": 1, "d": 2}, {"min": 0.0, "max": 2.0}),
    ],
)
def test_each_instances_part_is_compared_with_an_even_one(calls, expected):
    assert shares_of_even(calls) == expected


@pytest.mark.parametrize(
    ("samples", "since", "expected"),
    [
        ([], 0, 0),
        ([(0, 5)], 0, 0),
        (steady(50, 0, 10), 0, 50),
        (steady(50, 0, 10), 20, 0),
        (steady(90, 0, 5) + steady(40, 5.1, 10, 454), 6, 40),
        ([(0, 0), (0.5, 30), (0.9, 31), (1.4, 60), (1.6, 61)], 0, 31),
    ],
)
def test_the_most_in_any_second_is_looked_for_after_a_moment_only(samples, since, expected):
    assert most_within(samples, 1.0, since) == expected


@pytest.mark.parametrize(
    ("samples", "since", "expected"),
    [
        pytest.param(steady(50, 0, 20), 5, 0.0, id="never left it"),
        pytest.param(steady(0, 0, 8) + steady(50, 8.1, 20), 2, 6.0, id="six seconds later"),
        pytest.param(steady(40, 0, 20), 0, None, id="too slow for good"),
        pytest.param(steady(50, 0, 2), 0, None, id="too short to tell"),
        pytest.param(steady(50, 0, 20), 30, None, id="nothing since"),
        pytest.param(
            steady(0, 0, 4) + steady(50, 4.1, 5) + steady(0, 5.1, 9, 45) + steady(50, 9.1, 20, 45),
            0,
            9.0,
            id="one good second is no recovery",
        ),
    ],
)
def test_recovery_is_the_first_three_seconds_at_the_rate(samples, since, expected):
    found = recovery_s(samples, since, 47.5)
    assert found == (None if expected is None else pytest.approx(expected, abs=0.25))


def end(task_id, published_ms):
    return End(task_id, "assessed", 1, Times(0, 0, 0), None, published_ms)


@pytest.mark.parametrize(
    ("published", "expected"),
    [
        pytest.param({"a": 900, "b": 1500, "c": 3500}, 2.5, id="the last partition decides"),
        pytest.param({"a": 900, "b": 1500, "c": 900}, None, id="one is never served again"),
        pytest.param({"a": 1500, "b": 9000, "c": 1600}, 0.6, id="the first result of each"),
    ],
)
def test_all_is_taken_over_when_every_partition_has_a_result_again(published, expected):
    found = {task_id: end(task_id, ms) for task_id, ms in published.items()}
    assert served_again_s(found, {"a": 0, "b": 0, "c": 1}, 1000) == expected


def test_parts_of_a_figure_get_a_name_of_their_own_in_a_table():
    nested = {"calls": 1, "wait_ms": {"80": {"p50": 2, "p95": None}}}
    assert flat(nested) == {"calls": 1, "wait_ms 80 p50": 2, "wait_ms 80 p95": None}
