"""kill -9 of one instance under full load: nothing lost, nothing finished paid for again."""

import time
from typing import Any

from streaming.benchmark.scheduler.endings import Series, endings, served_again_s
from streaming.benchmark.scheduler.figures import recovery_s
from streaming.benchmark.scheduler.stage import Stage
from streaming.benchmark.scheduler.traffic import wall_ms
from streaming.settings import Settings

_BEFORE_S = 20.0
_AFTER_AT_LEAST_S = 30.0
_LAST_S = 120.0
_FULL = 0.95
_TAKEN_OVER_WITHIN_S = 15.0


def adjusted(settings: Settings) -> Settings:
    """As they are."""
    return settings


def run(stage: Stage) -> dict[str, Any]:
    """Full load throughout; the last instance is killed, and the others go on."""
    drive, truth, tasks = stage.drive, stage.truth, stage.outstanding
    drive.closed_loop_for(tasks, min(_BEFORE_S, stage.load.duration_s))
    series = Series(truth)
    drive.ticks.append(series)
    victim = stage.instances[-1].daemon
    stage.say(f"kill -9 of {victim.name}, {drive.outstanding} tasks unfinished")
    killed_at, killed_ms = time.monotonic(), wall_ms()
    victim.kill()
    drive.closed_loop_for(tasks, max(_AFTER_AT_LEAST_S, stage.load.duration_s))
    drive.wait(_LAST_S)
    ended, after, answers = endings(drive.sender, drive.ends), truth.counts(), truth.answers()
    found = drive.ends.found
    finished = [task_id for task_id, end in found.items() if end.published_ms < killed_ms]
    again = sum(answers.get(task_id, 0) > 1 for task_id in finished)
    to_full = recovery_s(series.samples, killed_at, stage.load.limit_per_s * _FULL)
    taken_over = served_again_s(found, drive.sender.sent, killed_ms)
    return {
        "instances": len(stage.instances),
        **ended,
        "http_429": after.http_429,
        "finished_before": len(finished),
        "finished_called_twice": again,
        "called_twice": after.answered_twice,
        "results_repeated": drive.ends.repeats,
        "seconds_to_take_over": taken_over,
        "seconds_to_full_rate": to_full,
        "met": {
            "nothing_lost": ended["lost"] == 0,
            "finished_not_called_twice": again == 0,
            "taken_over_in_time": all(
                s is not None and s <= _TAKEN_OVER_WITHIN_S for s in (taken_over, to_full)
            ),
        },
    }
