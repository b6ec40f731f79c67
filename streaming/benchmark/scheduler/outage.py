"""The provider is down for a minute under load: nothing is lost, and no storm follows."""

import time
from typing import Any

from streaming.benchmark.scheduler.endings import Series, endings
from streaming.benchmark.scheduler.figures import most_within, recovery_s
from streaming.benchmark.scheduler.stage import Stage
from streaming.benchmark.scheduler.traffic import DEADLINE_S
from streaming.settings import Settings

LOAD_SHARE = 0.8

_BEFORE_S = 10.0
_OUTAGE_S = 60.0
_SPARE_S = 60.0
_SECOND_S = 1.0
_FULL = 0.95
_BACK_WITHIN_S = 10.0


def adjusted(settings: Settings) -> Settings:
    """With as much time for a task as its deadline gives: the outage alone ends none."""
    scheduler = settings.scheduler.model_copy(update={"task_timeout_seconds": DEADLINE_S})
    return settings.model_copy(update={"scheduler": scheduler})


def run(stage: Stage) -> dict[str, Any]:
    """An open loop at 80 % of the limit before, in and after the outage."""
    load, drive, truth = stage.load, stage.drive, stage.truth
    rate, outage_s = load.limit_per_s * LOAD_SHARE, min(_OUTAGE_S, load.duration_s)
    drive.open_loop(rate, min(_BEFORE_S, load.duration_s), load.arrivals)
    stage.say(f"the provider is down for {outage_s:g} s, {rate:g} tasks/s go on")
    truth.set_faults(down=True)
    drive.open_loop(rate, outage_s, load.arrivals)
    refused, series = truth.counts().http_429, Series(truth)
    drive.ticks.append(series)
    truth.set_faults(down=False)
    back = time.monotonic()
    stage.say(f"it is back; {drive.outstanding} tasks unfinished, {load.duration_s:g} s more load")
    drive.open_loop(rate, load.duration_s, load.arrivals)
    drive.wait(DEADLINE_S + _SPARE_S)
    ended, after = endings(drive.sender, drive.ends), truth.counts()
    most = most_within(series.samples, _SECOND_S, back)
    to_offered = recovery_s(series.samples, back, rate * _FULL)
    to_full = recovery_s(series.samples, back, load.limit_per_s * _FULL)
    waited_s = to_offered if to_full is None else to_full
    return {
        "instances": len(stage.instances),
        "tasks_per_s": round(rate, 2),
        "outage_s": outage_s,
        "task_deadline_s": DEADLINE_S,
        "retry_max_attempts": stage.settings.scheduler.retry_max_attempts,
        **ended,
        "called_twice": after.answered_twice,
        "http_429_after": after.http_429 - refused,
        "most_in_a_second": {
            "of_one_key": after.most_in_a_second,
            "allowed_to_one_key": load.qps,
            "of_all_after": most,
            "allowed_to_all": load.keys * load.qps,
        },
        "seconds_to_offered_rate": to_offered,
        "seconds_to_full_rate": to_full,
        "met": {
            "nothing_lost": ended["lost"] == 0,
            "no_storm": after.http_429 == refused
            and after.most_in_a_second <= max(1.0, load.qps)
            and most <= load.keys * load.qps,
            "back_in_time": waited_s is not None and waited_s <= _BACK_WITHIN_S,
        },
    }
