"""5 % of answers 5xx, 2 % hanging, a fifth of the keys dead: every task must end all the same."""

from typing import Any

from streaming.benchmark.scheduler.endings import endings
from streaming.benchmark.scheduler.stage import Stage
from streaming.settings import Settings

ERROR_RATE, HANG_RATE, DEAD_SHARE = 0.05, 0.02, 0.2
LOAD_SHARE = 0.8
CALL_TIMEOUT_S = 5.0
"""Shorter than by default, or every fiftieth task would only measure this setting."""

_HEALTHY_S = 5.0
_DISABLED_AFTER_S = 30.0
_MOST_CALLS_TO_A_DEAD_KEY = 10
_LEAST_SUCCESS = 0.999
_SPARE_S = 30.0


def adjusted(settings: Settings) -> Settings:
    """With a short limit on one call."""
    scheduler = settings.scheduler.model_copy(update={"timeout_seconds": CALL_TIMEOUT_S})
    return settings.model_copy(update={"scheduler": scheduler})


def run(stage: Stage) -> dict[str, Any]:
    """An open loop at 80 % of what the living keys allow, faults beginning after 5 s."""
    load, drive, truth = stage.load, stage.drive, stage.truth
    dead = [key.id for key in stage.settings.api_keys[: max(1, round(load.keys * DEAD_SHARE))]]
    rate = load.limit_per_s * (1 - len(dead) / load.keys) * LOAD_SHARE
    drive.open_loop(rate, _HEALTHY_S, load.arrivals)
    before = truth.counts()
    truth.set_faults(error_rate=ERROR_RATE, hang_rate=HANG_RATE, dead_keys=dead)
    stage.say(f"faults for {load.duration_s:g} s at {rate:g} tasks/s; dead: {', '.join(dead)}")
    drive.open_loop(rate, min(_DISABLED_AFTER_S, load.duration_s), load.arrivals)
    disabled = truth.counts()
    drive.open_loop(rate, max(0.0, load.duration_s - _DISABLED_AFTER_S), load.arrivals)
    drive.wait(stage.settings.scheduler.task_timeout_seconds + _SPARE_S)
    ended, after = endings(drive.sender, drive.ends), truth.counts()
    to_dead = {key: disabled.keys.get(key, 0) - before.keys.get(key, 0) for key in dead}
    attempts = [end.attempts for end in drive.ends.found.values()]
    return {
        "instances": len(stage.instances),
        "tasks_per_s": round(rate, 2),
        "call_timeout_s": CALL_TIMEOUT_S,
        **ended,
        "attempts_per_task": round(sum(attempts) / len(attempts), 3),
        "http_429": after.http_429,
        "called_twice": after.answered_twice,
        "calls_to_dead_keys": to_dead,
        "calls_to_dead_keys_later": {
            key: after.keys.get(key, 0) - disabled.keys.get(key, 0) for key in dead
        },
        "met": {
            "every_task_ended": ended["lost"] == 0,
            "success_rate": ended["success_rate"] >= _LEAST_SUCCESS,
            "dead_keys_disabled": max(to_dead.values()) <= _MOST_CALLS_TO_A_DEAD_KEY,
        },
    }
