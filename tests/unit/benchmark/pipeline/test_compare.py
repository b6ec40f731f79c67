"""What changed between two runs, and whether beyond noise."""

import pytest

from streaming.benchmark.pipeline.compare import (
    Change,
    compare,
    compare_with_many,
    differing,
    spread,
)
from tests.unit.benchmark.pipeline.runs import result


def changes(old, new):
    return {change.figure: change for change in compare(old, new)}


def wandering(stage, *values):
    """A result whose portions have these medians of one stage."""
    middle = sorted(values)[len(values) // 2]
    return result(**{stage: middle}, portions=[result(**{stage: v}) for v in values])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], 0.0),
        ([5.0], 0.0),
        ([7.0, 7.0, 7.0], 0.0),
        # Median 10; distances 2, 1, 0, 1, 2: their median is 1.
        ([8.0, 9.0, 10.0, 11.0, 12.0], 1.4826),
        # One portion out of the way changes nothing.
        ([8.0, 9.0, 10.0, 11.0, 900.0], 1.4826),
    ],
)
def test_the_spread_is_robust(values, expected):
    assert spread(values) == pytest.approx(expected)


def test_the_same_run_twice_has_no_change():
    assert not any(change.beyond_noise for change in compare(result(), result()))


def test_300_ms_more_in_a_stage_is_worse_there_and_in_the_whole():
    found = changes(result(), result(tasks=320.0))
    assert {name for name, change in found.items() if change.worse} == {
        "end_to_end_ms p50",
        "end_to_end_ms p95",
        "tasks p50",
    }


def test_a_change_within_the_spread_of_the_portions_is_noise():
    old = wandering("queue", 10, 60, 110, 160, 210, 10, 60, 110, 160, 210)
    new = wandering("queue", 40, 90, 140, 190, 240, 40, 90, 140, 190, 240)
    assert changes(old, new)["queue p50"].beyond_noise is False
    assert changes(result(queue=110.0), result(queue=140.0))["queue p50"].worse


@pytest.mark.parametrize(
    ("change", "worse", "words"),
    [
        (Change("queue p50", 100.0, 150.0, 20.0), True, "worse"),
        (Change("queue p50", 150.0, 100.0, 20.0), False, "better"),
        (Change("frames_per_s", 28.0, 14.0, 1.4), True, "(-50.0%), worse"),
        (Change("frames_per_s", 14.0, 28.0, 1.4), False, "better"),
        (Change("success_rate", 1.0, 0.99, 0.001), True, "worse"),
        (Change("queue p50", 0.0, 3.0, 5.0), False, "within noise"),
    ],
)
def test_worse_is_beyond_noise_and_in_the_wrong_direction(change, worse, words):
    assert change.worse is worse
    assert change.sentence.endswith(words)


def test_reports_of_other_settings_or_machines_say_so():
    report = {
        "settings": {"cameras": 50, "gate": True},
        "machine": {"system": "Linux x86_64", "cores": 2, "memory_gb": 24.0, "load_1_min": 1.0},
    }
    other = {
        "settings": {"cameras": 25, "gate": True},
        "machine": report["machine"] | {"cores": 8, "load_1_min": 3.0},
    }
    assert differing(report, report) == []
    assert differing(report, other) == [
        "cameras: 50 and 25",
        "machine: Linux x86_64, 2 cores, 24 GB and Linux x86_64, 8 cores, 24 GB",
    ]


def test_a_run_is_held_against_the_median_of_several():
    olds = [result(tasks=20.0), result(tasks=21.0), result(tasks=900.0)]
    worse = [c for c in compare_with_many(olds, result(tasks=60.0)) if c.worse]
    assert [(c.figure, c.old) for c in worse] == [("tasks p50", 21.0)]


def test_what_runs_differ_by_among_themselves_is_noise():
    olds = [result(tasks=v) for v in (20.0, 60.0, 100.0, 140.0, 180.0)]
    assert not [c for c in compare_with_many(olds, result(tasks=210.0)) if c.worse]
    assert [c for c in compare_with_many(olds, result(tasks=300.0)) if c.worse]
