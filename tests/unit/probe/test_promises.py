"""The first stage that breaks a promise is named, with what to look at."""

import pytest

from streaming.probe.promises import broken, promises, verdict

TIMES = {"p50": 20.0, "p95": 40.0, "p99": 60.0}
GOOD = {
    "frames": {
        "due": 30,
        "missed": 0,
        "due_to_published_ms": TIMES,
        "published_to_planned_ms": TIMES,
    },
    "gate": {"groups": 40},
    "groups_without_task_or_notice": 0,
    "delivered_twice": 0,
    "tasks": 35,
    "tasks_without_end": 0,
    "ends_by_reason": {"assessed": 35},
    "verdicts_overtaken": 2,
    "stages_ms": {"last_hop": TIMES},
    "end_to_end_ms": {"p95": 1500.0},
}


def kept_of(**changes):
    return promises(GOOD | changes, most_end_to_end_ms=2500)


def frames(**changes):
    return {"frames": GOOD["frames"] | changes}


def test_a_system_that_works_keeps_every_promise():
    assert broken(kept_of()) is None
    assert verdict(kept_of()) == "every stage keeps its promises"


@pytest.mark.parametrize(
    ("changes", "stage", "words"),
    [
        (frames(missed=30, due_to_published_ms=None), "detection", "0 of 30; look at logs/app.log"),
        (frames(missed=2), "detection", "28 of 30"),
        (frames(due_to_published_ms=TIMES | {"p95": 1400.0}), "detection", "P95 1,400 ms of 1,000"),
        ({"gate": {"groups": 0}}, "tasks", "no group was in the picture"),
        ({"groups_without_task_or_notice": 40}, "tasks", "40 of 40 groups; look at"),
        ({"delivered_twice": 1}, "tasks", "1 twice"),
        (
            {"tasks_without_end": 35, "ends_by_reason": {"no end": 35}, "end_to_end_ms": None},
            "scheduling",
            "35 of 35 did not; look at logs/scheduler.log",
        ),
        (
            {"ends_by_reason": {"assessed": 30, "failed: key": 5}},
            "scheduling",
            "5 failed: key",
        ),
        ({"stages_ms": {"last_hop": None}}, "aggregation", "logs/aggregation.log"),
        ({"end_to_end_ms": {"p95": 2600.0}}, "end to end", "P95 2,600 ms of 2,500"),
    ],
)
def test_the_stage_that_fails_is_named(changes, stage, words):
    kept = kept_of(**changes)
    assert broken(kept).stage == stage
    said = verdict(kept)
    assert said.startswith(f"{stage} failed")
    assert words.replace("groups; look", "groups are neither; look") in said


def test_one_late_frame_breaks_no_promise():
    assert broken(kept_of(**frames(missed=1))) is None
