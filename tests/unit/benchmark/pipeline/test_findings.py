"""Each planted fault is named, and a quiet run has no finding."""

import pytest

from streaming.benchmark.pipeline.findings import USUAL_MS, findings, ran_out
from streaming.benchmark.pipeline.places import Place
from tests.unit.benchmark.pipeline.runs import EXPECTED, result

CALM = result()


def growing(stage, first, last):
    """A result in which the stage's median rises evenly from `first` to `last`."""
    parts = [result(**{stage: first + (last - first) * n / 9}) for n in range(10)]
    return result(**{stage: (first + last) / 2}, portions=parts)


def said(found, places=()):
    return findings(found, places, EXPECTED)


def test_a_quiet_run_has_no_finding():
    assert said(CALM) == []


@pytest.mark.parametrize("stage", [s for s in USUAL_MS if s != "queue"] + ["provider"])
def test_a_sleep_of_300_ms_is_named_by_its_stage(stage):
    slept = CALM["stages_ms"][stage]["p50"] + 300
    (finding,) = said(result(**{stage: slept}))
    assert finding.startswith(f"{stage} takes")


def test_a_long_tail_is_named_by_its_stage_with_what_the_machine_did():
    stages = CALM["stages_ms"]["detection"] | {"p95": 523.4}
    found = result(p95_above_provider_ms=295.1)
    found["stages_ms"] = CALM["stages_ms"] | {"detection": stages}
    (finding,) = said(found)
    assert finding.startswith("p95 is 295 ms above the provider's")
    assert "detection, 523 ms at its own p95, with" in finding


def test_a_sleep_in_the_scheduler_is_told_from_a_reached_limit():
    (finding,) = said(result(queue=315.0))
    assert "the scheduler makes 12 calls/s of 50" in finding


def test_a_dropped_partition_is_named():
    places = [Place("assessment-tasks", n, 100, 100 if n == 7 else 0) for n in range(16)]
    (first, second) = said(result(tasks_without_end=100), places)
    assert "assessment-tasks, partition 7: 100 of 100" in first
    assert "the scheduler does not read it" in first
    assert second.startswith("100 tasks did not end")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        # The provider's own limit was halved: it refuses.
        ({"http_429": 31}, "the provider refused 31 calls (429) though the scheduler kept to 50"),
        ({"http_429": 2}, "the provider refused 2 calls (429): see the scheduler"),
        # The keys' limit was halved: tasks wait, and the keys are used up.
        ({"queue": 4000.0, "calls_per_s": 49.0}, "the keys' limit is reached, 49 of 50 calls/s"),
        # The scheduler's own limit was halved: tasks wait, and the keys are not used up.
        ({"queue": 4000.0, "calls_per_s": 25.0}, "the scheduler makes 25 calls/s of 50"),
        (
            {"queue": 4000.0, "calls_per_s": 25.0, "provider": 1900.0},
            "scheduler.max_concurrent_tasks (50) is reached",
        ),
    ],
)
def test_a_halved_limit_is_named(changes, words):
    assert any(words in finding for finding in said(result(**changes)))


def test_a_queue_that_grows_is_said_before_it_is_long():
    found = growing("queue", 5.0, 290.0) | {"calls_per_s": 48.0}
    (finding,) = said(found)
    assert "the keys' limit is reached" in finding


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"delivered_twice": 3}, "3 messages came twice"),
        ({"groups_without_task_or_notice": 4}, "4 groups became neither"),
        (
            {"ends_by_reason": {"assessed": 5, "failed: timeout": 2, "no end": 1}},
            "tasks without a verdict: 2 failed: timeout",
        ),
        (
            {"frames": CALM["frames"] | {"silent_cameras": ["4", "9"]}},
            "no frame of cameras 4, 9",
        ),
        (
            {"frames": CALM["frames"] | {"missed": 300}},
            "detection missed 300 of 1000 frames that were due",
        ),
    ],
)
def test_what_is_lost_is_said(changes, words):
    assert any(words in finding for finding in said(result(**changes)))


FULL = {
    "cores": 2,
    "cores_busy": 1.95,
    "processes": {
        "kafka": {"cores": 0.45, "rss_mb": 360.0},
        "detection": {"cores": 1.1, "rss_mb": 600.0},
    },
}


@pytest.mark.parametrize(
    ("changes", "stage"),
    [
        ({"frames": CALM["frames"] | {"missed": 300}}, "detection"),
        ({"tasks": 900.0}, "tasks"),
        ({"last_hop": 900.0, "detection": 300.0}, "last_hop"),
        ({}, None),
    ],
)
def test_a_full_machine_is_said_with_the_stage_that_ran_out(changes, stage):
    found = result(**changes, resources=FULL)
    assert ran_out(found) == stage
    last = said(found)[-1]
    assert "1.95 of 2 cores busy (detection 1.10, kafka 0.45, other programs 0.40)" in last
    assert (f"{stage} ran out first" if stage else "no stage has run out yet") in last
