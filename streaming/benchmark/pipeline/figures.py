"""Latency by stage, rates and ends of what was due in the window. Pure. All latencies in ms."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import Any

from streaming.benchmark.pipeline.due import DueMoment, Window, due_moments
from streaming.benchmark.pipeline.ledger import EndSeen, FrameSeen, Ledger
from streaming.benchmark.scheduler.figures import Percentiles, percentiles

STAGES = ("captured", "detection", "tasks", "queue", "provider", "answer", "last_hop")
"""In the order of the data; all but the last add up to the end-to-end latency of a task."""

PORTIONS = 10


@dataclass(frozen=True, slots=True)
class TaskTimes:
    """One task as one due moment waited for it: where the time went, by stage."""

    due_s: float
    task_id: str
    stages: Mapping[str, float]

    @property
    def end_to_end_ms(self) -> float:
        """From the due moment to the verdict."""
        return sum(ms for name, ms in self.stages.items() if name != "last_hop")


def task_times(ledger: Ledger, moments: Iterable[DueMoment]) -> Iterator[TaskTimes]:
    """Every assessed task, once for each due moment that its frame answered."""
    by_frame: defaultdict[str, list[str]] = defaultdict(list)
    for task_id, task in ledger.tasks.items():
        by_frame[task.message_id].append(task_id)
    for moment in moments:
        for task_id in by_frame.get(moment.message_id or "", ()):
            end = ledger.ends.get(task_id)
            if end is not None and end.status == "assessed":
                frame = ledger.frames[moment.message_id or ""]
                stages = _stages(moment, frame, ledger.tasks[task_id].created_s, end)
                shown_s = ledger.shown.get(task_id)
                if shown_s is not None:
                    stages["last_hop"] = (shown_s - end.at_s) * 1000
                yield TaskTimes(moment.due_s, task_id, stages)


def _stages(
    moment: DueMoment, frame: FrameSeen, created_s: float, end: EndSeen
) -> dict[str, float]:
    planned_ms = (end.at_s - created_s) * 1000
    return {
        "captured": (frame.captured_s - moment.due_s) * 1000,
        "detection": (frame.produced_s - frame.captured_s) * 1000,
        "tasks": (created_s - frame.produced_s) * 1000,
        "queue": end.queue_ms,
        "provider": end.llm_ms,
        # Between attempts, reading the answer, and what the two clocks round off.
        "answer": planned_ms - end.queue_ms - end.llm_ms,
    }


def figures(ledger: Ledger, window: Window) -> dict[str, Any]:
    """What the report says of the messages."""
    moments = due_moments(ledger.frames, sorted(ledger.cameras), window)
    times = list(task_times(ledger, moments))
    return {
        **_latencies(times),
        **_rates(ledger, window),
        "frames": _frames(moments, ledger, window),
        **_ends(ledger, window),
        **_accounts(ledger),
        "gate": _gate(ledger, window),
        "portions": [
            _latencies(_within(times, part)) | _rates(ledger, part) for part in portions(window)
        ],
    }


def portions(window: Window) -> list[Window]:
    """The window in ten equal parts."""
    step_s = window.duration_s / PORTIONS
    edges = [window.begin_s + step_s * n for n in range(PORTIONS + 1)]
    return [Window(a, b, window.interval_s) for a, b in pairwise(edges)]


def summary(values: Sequence[float]) -> Percentiles | None:
    """{mean, p50, p95, p99}, or None where there is nothing."""
    found = percentiles(values)
    return None if found is None else {"mean": round(fmean(values), 1)} | found


def _within(times: Iterable[TaskTimes], part: Window) -> list[TaskTimes]:
    return [t for t in times if t.due_s in part]


def _latencies(times: Sequence[TaskTimes]) -> dict[str, Any]:
    by_stage = {
        name: summary([t.stages[name] for t in times if name in t.stages]) for name in STAGES
    }
    return {
        "end_to_end_ms": summary([t.end_to_end_ms for t in times]),
        "provider_ms": by_stage["provider"],
        "stages_ms": by_stage,
    }


def _rates(ledger: Ledger, window: Window) -> dict[str, float]:
    frames = {m: f for m, f in ledger.frames.items() if f.due_s in window}
    tasks = sum(task.message_id in frames for task in ledger.tasks.values())
    seconds = window.duration_s
    return {
        "frames_per_s": round(len(frames) / seconds, 2),
        "detections_per_s": round(sum(f.detections for f in frames.values()) / seconds, 2),
        "tasks_per_s": round(tasks / seconds, 2),
    }


def _frames(moments: Sequence[DueMoment], ledger: Ledger, window: Window) -> dict[str, Any]:
    """How many were due, came, were missed; and latencies, whatever became of their tasks."""
    published = [
        (ledger.frames[m.message_id].produced_s - m.due_s) * 1000 for m in moments if m.message_id
    ]
    planned = [
        (task.created_s - ledger.frames[task.message_id].produced_s) * 1000
        for task in ledger.tasks.values()
        if task.message_id in ledger.frames and ledger.frames[task.message_id].due_s in window
    ]
    return {
        "due": len(moments),
        "due_per_s": round(len(moments) / window.duration_s, 2),
        "missed": sum(m.missed for m in moments),
        "silent_cameras": sorted(
            set(ledger.cameras) - {m.camera_id for m in moments if not m.missed}
        ),
        "due_to_published_ms": summary(published),
        "published_to_planned_ms": summary(planned),
    }


def _ends(ledger: Ledger, window: Window) -> dict[str, Any]:
    """Of the tasks whose frame was due in the window: assessed, and why not."""
    ids = [
        task_id
        for task_id, task in ledger.tasks.items()
        if task.message_id in ledger.frames and ledger.frames[task.message_id].due_s in window
    ]
    ended = [ledger.ends.get(task_id) for task_id in ids]
    by_reason = Counter(_reason(end) for end in ended)
    attempts = sum(end.attempts for end in ended if end)
    # By when they ended: of tasks that waited long, those of the window are called after it.
    calls = sum(end.attempts for end in ledger.ends.values() if end.at_s in window)
    return {
        "tasks": len(ids),
        "success_rate": round(by_reason["assessed"] / len(ids), 5) if ids else None,
        "ends_by_reason": dict(by_reason),
        "calls_per_s": round(calls / window.duration_s, 2),
        "calls_per_task": round(attempts / len(ids), 4) if ids else None,
        "cost": round(sum(end.cost for end in ended if end), 6),
        "tokens": {
            "prompt": sum(end.tokens[0] for end in ended if end),
            "completion": sum(end.tokens[1] for end in ended if end),
        },
        "verdicts_overtaken": sum(
            task_id not in ledger.shown for task_id, end in zip(ids, ended, strict=True) if end
        ),
    }


def _reason(end: EndSeen | None) -> str:
    if end is None:
        return "no end"
    return end.status if end.error is None else f"{end.status}: {end.error}"


def _accounts(ledger: Ledger) -> dict[str, Any]:
    """Of the whole run, the warm-up with it."""
    tally = ledger.tally
    return {
        "unaccounted": tally.unplanned + tally.unaccounted,
        "groups_without_task_or_notice": tally.unplanned,
        "tasks_without_end": tally.unaccounted,
        "delivered_twice": tally.repeated,
    }


def _gate(ledger: Ledger, window: Window) -> dict[str, Any]:
    frames = {m: f for m, f in ledger.frames.items() if f.due_s in window}
    groups = sum(f.groups for f in frames.values())
    skipped = Counter(reason for m in frames for reason in ledger.skipped.get(m, ()))
    saved = skipped.total()
    return {
        "groups": groups,
        "skipped": dict(skipped),
        "calls_saved": round(saved / groups, 4) if groups else None,
    }
