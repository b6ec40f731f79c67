"""One report: the cameras asked for, the most that are carried, the bare model beside it."""

import time
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import Any

from streaming.benchmark.detection import bare
from streaming.benchmark.detection.load import Load, more
from streaming.benchmark.detection.stage import Stage, staged
from streaming.benchmark.detection.trouble import troubled
from streaming.benchmark.report import Report
from streaming.benchmark.scheduler import isolation, surroundings
from streaming.benchmark.scheduler.measure import interruptible
from streaming.benchmark.scheduler.surroundings import Say
from streaming.settings import Settings

_SETTLE_S = 5.0
_TRIAL_S = 15.0
_BARE_S = 10.0
_DROPPED_SHARE = 0.01


def measure(settings: Settings, load: Load, say: Say) -> Report:
    """A result for each phase; see docs/benchmarks.md for what the figures mean.

    Raises:
        ServiceError: something is not there and cannot be started, or gives nothing.
        ModelError: the model cannot be loaded.
    """
    with (
        interruptible(),
        surroundings.own_folder(say) as folder,
        surroundings.broker(settings, folder, say) as with_broker,
        surroundings.memory(with_broker, folder, say) as here,
    ):
        own = _isolated(here)
        results = []
        with staged(own, load, folder) as stage:
            if load.saturate:
                results += _saturated(stage, say)
            else:
                results.append({"phase": "steady"} | _steady(stage, say))
                if load.trouble:
                    results.append(_troubled(stage, results[0], say))
                if load.soak:
                    results[0] |= {"rss_mb_over_time": _soak(stage, say)}
        rate = _bare(own, load, folder, say)
        for result in results:
            result["bare_model_frames_per_s"] = round(rate, 1)
            result["share_of_bare_model"] = round(result["frames_per_s"] / rate, 3)
        return Report("detection", _about(own, load), results)


def _steady(stage: Stage, say: Say) -> dict[str, Any]:
    load = stage.load
    commands = [load.camera(n) for n in range(1, load.cameras + 1)]
    ids = {c.camera_id for c in commands}
    say(f"{load.cameras} cameras: starting")
    stage.run(commands, wait_for=ids)
    time.sleep(_SETTLE_S)
    say(f"{load.cameras} cameras: {load.duration_s:g} s are measured")
    return stage.watch(load.duration_s, ids)


def _troubled(stage: Stage, before: dict[str, Any], say: Say) -> dict[str, Any]:
    load = stage.load
    healthy = [load.camera(n) for n in range(1, load.cameras + 1)]
    ids = {c.camera_id for c in healthy}
    with troubled(load.interval_s) as bad:
        say(f"{len(bad)} more that misbehave")
        stage.run([*healthy, *bad], wait_for=ids | {"4k"})
        time.sleep(_SETTLE_S)
        found = stage.watch(load.duration_s, ids)
    share = found["capture_to_publish_ms"]["p95"] / before["capture_to_publish_ms"]["p95"]
    return {"phase": "trouble"} | found | {"p95_to_before": round(share, 3)}


def _soak(stage: Stage, say: Say) -> list[float]:
    """Resident memory each tenth of the duration more."""
    found = []
    for _ in range(10):
        time.sleep(stage.load.duration_s / 10)
        stage.daemon.check()
        found.append(stage.daemon.rss_mb())
        say(f"resident: {found[-1]:g} MB")
    return found


def _saturated(stage: Stage, say: Say) -> list[dict[str, Any]]:
    """Every number of cameras that was tried, the most that were carried marked."""
    load, results = stage.load, []
    low: int | None = None
    high: int | None = None
    tried: int | None = load.cameras
    trial_s = max(_TRIAL_S, load.duration_s / 4)
    while tried is not None:
        commands = [load.camera(n) for n in range(1, tried + 1)]
        stage.run(commands, wait_for={c.camera_id for c in commands})
        time.sleep(_SETTLE_S)
        found = stage.watch(trial_s, {c.camera_id for c in commands})
        carried = _is_carried(found, load.interval_s)
        say(f"{tried} cameras: {found['frames_per_s']:g} frames/s, carried: {carried}")
        results.append({"phase": "trial"} | found | {"carried": carried})
        low, high = (tried, high) if carried else (low, tried)
        tried = more(low, high, tried)
    for result in results:
        result["phase"] = "most carried" if result["cameras"] == low else "trial"
    fastest = max(results, key=lambda r: float(r["frames_per_s"]))
    fastest["phase"] += ", fastest"
    return results


def _is_carried(found: dict[str, Any], interval_s: float) -> bool:
    """p95 below one interval, and at most one frame in a hundred dropped or never taken."""
    ages = found["capture_to_publish_ms"]
    due = found["due_per_s"]
    return (
        ages is not None
        and ages["p95"] < interval_s * 1000
        and found["frames_per_s"] >= due * (1 - _DROPPED_SHARE * 2)
    )


def _bare(settings: Settings, load: Load, folder: Path, say: Say) -> float:
    say("the model alone")
    frames = bare.frames_of(load.camera(1).source)
    return bare.frames_per_s(settings.detection, folder, frames, duration_s=_BARE_S)


def _isolated(settings: Settings) -> Settings:
    """The same with topics and a group of its own, and no camera."""
    kafka = isolation.prefixed(settings.kafka, f"bench-{uuid.uuid4().hex[:8]}-")
    return settings.model_copy(update={"kafka": kafka, "cameras": ()})


def _about(settings: Settings, load: Load) -> dict[str, Any]:
    detection = settings.detection
    return asdict(load) | {
        "model": detection.model,
        "runtime": detection.runtime,
        "device": detection.device,
        "image_size_px": detection.image_size_px,
        "batch_size": detection.batch_size,
        "bare_batch": bare.BATCH,
    }
