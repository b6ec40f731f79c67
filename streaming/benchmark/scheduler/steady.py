"""A provider without faults: what the schedulers make of its limits, and what they add."""

import time
from collections.abc import Mapping
from typing import Any

from streaming.benchmark.scheduler.endings import endings
from streaming.benchmark.scheduler.figures import percentiles, shares_of_even
from streaming.benchmark.scheduler.processes import cpu_s, machine_busy_s
from streaming.benchmark.scheduler.stage import Stage
from streaming.benchmark.scheduler.traffic import wall_ms
from streaming.settings import Settings

_SETTLE_S = 2.0
_DRAIN_S = 60.0
_LEAST_SHARE, _LATENCY_AT, _MOST_ADDED_MS, _MOST_CPU_MS = 0.98, "80", 25.0, 1.0
_LEAST_PART, _MOST_WAIT_RATIO = 0.8, 2.0


def adjusted(settings: Settings) -> Settings:
    """As they are."""
    return settings


def run(stage: Stage) -> dict[str, Any]:
    """Open loops at each share of the limit, then full load: all figures of one result."""
    added = {str(share): _added_ms(stage, share) for share in stage.load.latency_at}
    full = _full_load(stage)
    stage.drive.drain(_DRAIN_S)
    ended, truth = endings(stage.drive.sender, stage.drive.ends), stage.truth.counts()
    result = {
        "instances": len(stage.instances),
        **full.pop("rates"),
        "http_429": truth.http_429,
        "success_rate": ended["success_rate"],
        "added_latency_ms": added,
        **full,
        "called_twice": truth.answered_twice,
        "tasks": ended["tasks"],
        "most_in_a_second": truth.most_in_a_second,
        "most_in_a_minute": truth.most_in_a_minute,
    }
    return result | {"met": _met(result)}


def _met(result: Mapping[str, Any]) -> dict[str, bool]:
    """Whether the figures are what docs/benchmarks.md promises; what was not measured is not in."""
    added, wait = result["added_latency_ms"].get(_LATENCY_AT), result["wait_ms"]
    cpu, parts = result["cpu_ms_per_call"], result["shares"]
    met = {
        "share_of_limit": result["share_of_limit"] >= _LEAST_SHARE,
        "no_429": result["http_429"] == 0,
        "success_rate": result["success_rate"] == 1.0,
        "cpu": cpu is not None and cpu <= _MOST_CPU_MS,
        "fair_parts": parts is not None and parts["min"] >= _LEAST_PART,
        "fair_wait": wait is not None and wait["p95"] <= _MOST_WAIT_RATIO * wait["p50"],
    }
    return met | ({"added_latency": added["p95"] <= _MOST_ADDED_MS} if added else {})


def _added_ms(stage: Stage, share: int) -> dict[str, float] | None:
    """The percentiles at so many per cent of the limit, without the first seconds."""
    load, drive = stage.load, stage.drive
    stage.say(f"{share} % of the limit for {load.latency_s:g} s, arrivals {load.arrivals}")
    rate = load.limit_per_s * share / 100
    drive.open_loop(rate, min(_SETTLE_S, load.latency_s / 2), load.arrivals)
    ids = drive.open_loop(rate, load.latency_s, load.arrivals)
    drive.drain(_DRAIN_S)
    found = [drive.ends.found[task_id] for task_id in ids]
    return percentiles([end.added_ms for end in found if end.status == "assessed"])


def _full_load(stage: Stage) -> dict[str, Any]:
    load, drive, tasks = stage.load, stage.drive, stage.outstanding
    stage.say(f"full load ({tasks} tasks unfinished): warming up for {load.warm_up_s:g} s")
    drive.closed_loop_for(tasks, load.warm_up_s)
    stage.say(f"measuring for {load.measured_s:g} s")
    made = {i.daemon.name: i.calls_made() for i in stage.instances}
    busy, load_cpu, judge_cpu = machine_busy_s(), time.process_time(), stage.simulator.cpu_s()
    cpu, before, began_ms = cpu_s(stage.daemons), stage.truth.counts(), wall_ms()
    drive.closed_loop_for(tasks, load.measured_s)
    after, ended_ms = stage.truth.counts(), wall_ms()
    cpu, busy = cpu_s(stage.daemons) - cpu, machine_busy_s() - busy
    load_cpu, judge_cpu = time.process_time() - load_cpu, stage.simulator.cpu_s() - judge_cpu
    rss = [daemon.rss_mb() for daemon in stage.daemons]
    made = {i.daemon.name: i.calls_made() - made[i.daemon.name] for i in stage.instances}
    calls, span_s = after.accepted - before.accepted, after.at - before.at
    waits = [
        end.latency.queue_ms
        for end in drive.ends.found.values()
        if began_ms <= end.published_ms < ended_ms
    ]
    return {
        "rates": {
            "calls_per_s": round(calls / span_s, 2),
            "share_of_limit": round(calls / span_s / load.limit_per_s, 4),
        },
        "cpu_ms_per_call": _ms_each(cpu, calls),
        "load_cpu_ms_per_call": _ms_each(load_cpu, calls),
        "simulator_cpu_ms_per_call": _ms_each(judge_cpu, calls),
        "cores_busy": round(busy / span_s, 2),
        "rss_mb": round(sum(rss), 1),
        "rss_mb_per_instance": rss,
        "wait_ms": percentiles(waits),
        "shares": shares_of_even(made),
    }


def _ms_each(seconds: float, count: int) -> float | None:
    return round(seconds * 1000 / count, 3) if count else None
