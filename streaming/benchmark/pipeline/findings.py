"""State in sentences what is wrong with a run, from its figures alone. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from streaming.benchmark.pipeline.places import Place, dropped

USUAL_MS: Mapping[str, float] = {
    "captured": 100.0,
    "detection": 200.0,
    "tasks": 120.0,
    "queue": 150.0,
    "answer": 50.0,
    "last_hop": 120.0,
}
"""What a stage may take at the median. Two cores with 50 cameras stay well below half of it as
long as they keep up, and a wait of 0.3 s in any stage lies above."""

LOOK_AT: Mapping[str, str] = {
    "captured": "the cameras and their decoding (logs/app.log)",
    "detection": "the detection worker: model, pictures, Redis (logs/app.log)",
    "tasks": "the task worker and its transactions (logs/tasks.log)",
    "queue": "the scheduler: its keys, max_concurrent_tasks, retries (logs/scheduler.log)",
    "provider": "the provider, or the way to it",
    "answer": "the scheduler: retries, the event loop (logs/scheduler.log)",
    "last_hop": "aggregation and Redis (logs/aggregation.log)",
}

_PROVIDER_MARGIN_MS = 150.0
_GROWS_MS, _GROWS_BY = 200.0, 1.5
_NEAR_LIMIT = 0.85
_FULL = 0.85
_FEW = 0.01


@dataclass(frozen=True, slots=True)
class Expected:
    """What the settings promise: `None` where nobody knows, as of a real provider's time."""

    provider_median_ms: float | None
    allowed_per_s: float
    max_concurrent: int


def findings(result: Mapping[str, Any], found: Sequence[Place], expected: Expected) -> list[str]:
    """All problems, the most serious first."""
    return [
        *_partitions(found),
        *_accounts(result),
        *_cameras(result),
        *_limits(result, expected),
        *_slow(result, expected),
        *_tail(result),
        *_machine(result),
    ]


def _partitions(found: Sequence[Place]) -> Iterator[str]:
    reader = {
        "detection-results": "the task worker",
        "assessment-tasks": "the scheduler",
        "risk-assessment-results": "aggregation",
    }
    for place in dropped(found):
        yield (
            f"{place.topic}, partition {place.partition}: {place.left} of {place.came} messages "
            f"led to nothing, while other partitions were worked off: {reader[place.topic]} does "
            "not read it, or another member of its group holds it"
        )


def _accounts(result: Mapping[str, Any]) -> Iterator[str]:
    if left := result["groups_without_task_or_notice"]:
        yield f"{left} groups became neither a task nor a notice: see {LOOK_AT['tasks']}"
    if left := result["tasks_without_end"]:
        yield f"{left} tasks did not end: see {LOOK_AT['queue']}"
    if result["delivered_twice"]:
        yield f"{result['delivered_twice']} messages came twice on a topic that promises once"
    bad = {r: n for r, n in result["ends_by_reason"].items() if r not in ("assessed", "no end")}
    if bad:
        listed = ", ".join(f"{n} {reason}" for reason, n in sorted(bad.items()))
        yield f"tasks without a verdict: {listed}"


def _cameras(result: Mapping[str, Any]) -> Iterator[str]:
    frames = result["frames"]
    if silent := frames["silent_cameras"]:
        yield f"no frame of {_listed(silent)}: see {LOOK_AT['captured']}"
    missed = frames["missed"]
    if missed > frames["due"] * _FEW:
        yield (
            f"detection missed {missed} of {frames['due']} frames that were due: it takes "
            f"{result['frames_per_s']:g} a second of {frames['due_per_s']:g}"
        )


def _limits(result: Mapping[str, Any], expected: Expected) -> Iterator[str]:
    refused, allowed = result["http_429"], expected.allowed_per_s
    calls, wait = result["calls_per_s"], _p50(result, "queue")
    if refused > result["tasks"] * _FEW:
        yield (
            f"the provider refused {refused} calls (429) though the scheduler kept to "
            f"{allowed:g} calls/s: its limit is lower than config/api_keys.yaml says"
        )
    elif refused:
        yield f"the provider refused {refused} calls (429): see {LOOK_AT['queue']}"
    if wait is None or (wait <= USUAL_MS["queue"] and _growth(result, "queue") is None):
        return
    under_way = calls * (result["provider_ms"] or {}).get("mean", 0.0) / 1000
    said = f"tasks wait {wait:,.0f} ms for a call at the median: "
    if calls >= allowed * _NEAR_LIMIT:
        yield said + f"the keys' limit is reached, {calls:g} of {allowed:g} calls/s; add keys"
    elif under_way >= expected.max_concurrent * _NEAR_LIMIT:
        yield said + (
            f"scheduler.max_concurrent_tasks ({expected.max_concurrent}) is reached, while the "
            f"keys allow {allowed:g} calls/s and {calls:g} are made"
        )
    else:
        yield said + (
            f"the scheduler makes {calls:g} calls/s of {allowed:g} that the keys allow; a limit "
            "is lower than it should be, or the scheduler is held up"
        )


def _slow(result: Mapping[str, Any], expected: Expected) -> Iterator[str]:
    usual = dict(USUAL_MS)
    del usual["queue"]  # said with the limits
    if expected.provider_median_ms is not None:
        usual["provider"] = expected.provider_median_ms + _PROVIDER_MARGIN_MS
    for stage, most in usual.items():
        took = _p50(result, stage)
        grew = _growth(result, stage)
        if took is None or (took <= most and grew is None):
            continue
        grows = f", and grows from {grew[0]:,.0f} to {grew[1]:,.0f}" if grew else ""
        yield (
            f"{stage} takes {took:,.0f} ms at the median{grows}; usual are at most "
            f"{most:,.0f}: see {LOOK_AT[stage]}"
        )


def _tail(result: Mapping[str, Any]) -> Iterator[str]:
    """The stage behind a p95 beyond the promise, which its median need not show."""
    above = result.get("p95_above_provider_ms")
    if above is None or above <= _PROVIDER_MARGIN_MS:
        return
    tails = {s: found["p95"] for s in USUAL_MS if (found := result["stages_ms"][s])}
    stage = max(tails, key=lambda s: tails[s])
    used = result["resources"]
    busy = "" if used["cores_busy"] is None else (
        f", with {used['cores_busy']:.2f} of {used['cores']} cores busy"
    )  # fmt: skip
    yield (
        f"p95 is {above:,.0f} ms above the provider's, promised are {_PROVIDER_MARGIN_MS:g}: most "
        f"of it is {stage}, {tails[stage]:,.0f} ms at its own p95{busy}: see {LOOK_AT[stage]}"
    )


def _machine(result: Mapping[str, Any]) -> Iterator[str]:
    used = result["resources"]
    busy, cores = used["cores_busy"], used["cores"]
    if busy is None or busy < cores * _FULL:
        return
    shares = sorted(used["processes"].items(), key=lambda item: -(item[1]["cores"] or 0.0))
    listed = ", ".join(f"{name} {use['cores']:.2f}" for name, use in shares if use["cores"])
    others = busy - sum(use["cores"] or 0.0 for _, use in shares)
    stage = ran_out(result)
    yield (
        f"the machine is full: {busy:.2f} of {cores} cores busy ({listed}, other programs "
        f"{max(0.0, others):.2f}); "
        + (f"{stage} ran out first" if stage else "no stage has run out yet")
    )


def ran_out(result: Mapping[str, Any]) -> str | None:
    """The stage that could not keep up: it misses frames, or its wait grows and is the longest."""
    frames = result["frames"]
    if frames["missed"] > frames["due"] * _FEW:
        return "detection"
    late = {
        stage: _p50(result, stage) or 0.0
        for stage in USUAL_MS
        if _growth(result, stage) or (_p50(result, stage) or 0.0) > USUAL_MS[stage]
    }
    return max(late, key=lambda stage: late[stage] / USUAL_MS[stage]) if late else None


def _growth(result: Mapping[str, Any], stage: str) -> tuple[float, float] | None:
    """Medians of the first and the last three tenths of the run, if the last are well above."""
    values = [
        part["stages_ms"][stage]["p50"] for part in result["portions"] if part["stages_ms"][stage]
    ]
    if len(values) < 6:
        return None
    first, last = median(values[:3]), median(values[-3:])
    grew = last - first > _GROWS_MS and last > first * _GROWS_BY
    return (first, last) if grew else None


def _p50(result: Mapping[str, Any], stage: str) -> float | None:
    found = result["stages_ms"][stage]
    return None if found is None else float(found["p50"])


def _listed(names: Iterable[str], most: int = 5) -> str:
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    kind = "camera" if len(names) == 1 else "cameras"
    return f"{kind} {', '.join(names[:most])}{more}"
