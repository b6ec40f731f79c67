"""What each stage promises, held against the figures of one camera. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DETECTION_MS, TASKS_MS, LAST_HOP_MS = 1000.0, 1000.0, 1000.0
"""P95 of a frame's stages. Far above what they take: a probe tells broken from working."""

_MISSED = 0.02

LOOK: Mapping[str, str] = {
    "detection": "logs/app.log, `trafficmon cameras list`, `trafficmon status`",
    "tasks": "logs/tasks.log, `trafficmon dlq list`",
    "scheduling": "logs/scheduler.log, `trafficmon keys verify`, /api/scheduler/stats",
    "aggregation": "logs/aggregation.log",
    "end to end": "the slowest stage in the table below",
}


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise: what was `seen` of it, and whether it is `kept`."""

    stage: str
    words: str
    seen: str
    kept: bool


def promises(result: Mapping[str, Any], *, most_end_to_end_ms: float) -> list[Promise]:
    """In the order of the data: all there, once, in time."""
    return [
        *_detection(result),
        *_tasks(result),
        *_scheduling(result),
        *_aggregation(result),
        _in_time("end to end", "due until verdict", result["end_to_end_ms"], most_end_to_end_ms),
    ]


def broken(kept: Sequence[Promise]) -> Promise | None:
    """The first promise that is not kept: what comes after it is broken for its sake."""
    return next((promise for promise in kept if not promise.kept), None)


def verdict(kept: Sequence[Promise]) -> str:
    """The end of it in a sentence, with what to look at."""
    first = broken(kept)
    if first is None:
        return "every stage keeps its promises"
    return f"{first.stage} failed: {first.words}: {first.seen}; look at {LOOK[first.stage]}"


def _detection(result: Mapping[str, Any]) -> Iterator[Promise]:
    frames = result["frames"]
    due, missed = frames["due"], frames["missed"]
    yield Promise(
        "detection",
        "every frame that was due is there",
        f"{due - missed} of {due}",
        missed <= max(1, due * _MISSED) < due,
    )
    yield _in_time("detection", "due until published", frames["due_to_published_ms"], DETECTION_MS)


def _tasks(result: Mapping[str, Any]) -> Iterator[Promise]:
    left, groups = result["groups_without_task_or_notice"], result["gate"]["groups"]
    seen = f"{left} of {groups} groups are neither" if groups else "no group was in the picture"
    yield Promise("tasks", "every group is a task or a notice", seen, groups > 0 and left == 0)
    yield Promise(
        "tasks",
        "nothing twice",
        f"{result['delivered_twice']} twice",
        not result["delivered_twice"],
    )
    planned = result["frames"]["published_to_planned_ms"]
    yield _in_time("tasks", "published until planned", planned, TASKS_MS)


def _scheduling(result: Mapping[str, Any]) -> Iterator[Promise]:
    tasks, left = result["tasks"], result["tasks_without_end"]
    yield Promise(
        "scheduling",
        "every task ends",
        f"{left} of {tasks} did not" if tasks else "no task came",
        tasks > 0 and left == 0,
    )
    others = {r: n for r, n in result["ends_by_reason"].items() if r not in ("assessed", "no end")}
    listed = ", ".join(f"{n} {reason}" for reason, n in sorted(others.items()))
    assessed = result["ends_by_reason"].get("assessed", 0)
    yield Promise("scheduling", "every end is a verdict", listed or f"{assessed} are", not others)


def _aggregation(result: Mapping[str, Any]) -> Iterator[Promise]:
    shown, told = result["stages_ms"]["last_hop"], result["tasks"] - result["verdicts_overtaken"]
    yield Promise("aggregation", "verdicts reach the walls", f"{told} did", shown is not None)
    yield _in_time("aggregation", "verdict until told to the walls", shown, LAST_HOP_MS)


def _in_time(stage: str, words: str, found: Mapping[str, float] | None, most_ms: float) -> Promise:
    """P95 within its bound."""
    if found is None:
        return Promise(stage, f"{words} in time", "nothing came", kept=False)
    took_ms = found["p95"]
    seen = f"P95 {took_ms:,.0f} ms of {most_ms:,.0f}"
    return Promise(stage, f"{words} in time", seen, took_ms <= most_ms)
