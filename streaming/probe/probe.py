"""Adds a camera to the running system, follows it from end to end, and removes it."""

from dataclasses import dataclass
from typing import Any

from streaming.benchmark.pipeline.load import SYNTHETIC
from streaming.benchmark.pipeline.measure import result_of
from streaming.benchmark.pipeline.observe import Watching, observe
from streaming.benchmark.pipeline.stack import running
from streaming.benchmark.scheduler.measure import interruptible
from streaming.benchmark.scheduler.surroundings import Say
from streaming.camera_sync import command_of
from streaming.kafka import admin
from streaming.kafka.cameras import announced
from streaming.messages import CameraCommand
from streaming.probe.promises import Promise, promises
from streaming.redis_client import wait_for_redis
from streaming.settings import Settings

_START_TIMEOUT_S = 60.0
_LOOK_S = 5.0


@dataclass(frozen=True, slots=True)
class Probed:
    """What was promised and seen, and all figures behind it."""

    promises: list[Promise]
    result: dict[str, Any]


def probe(
    settings: Settings, camera_id: str, source: str, *, duration_s: float, say: Say
) -> Probed:
    """Follow a camera for so long. One that runs already is followed as it is, and stays.

    Raises:
        KafkaUnreachable, RedisUnreachable: nothing to probe.
    """
    admin.wait_for_broker(settings.kafka, _LOOK_S)
    wait_for_redis(settings.redis, _LOOK_S)
    there = _in_force(settings).get(camera_id)
    camera = there or CameraCommand(
        camera_id=camera_id,
        name=f"Probe {camera_id}",
        source=SYNTHETIC if source == "synthetic" else source,
    )
    say(
        f"camera {camera_id} runs already: it is followed as it is"
        if there
        else f"camera {camera_id} is added, and removed at the end"
    )
    interval_s = camera.interval_s or settings.detection.interval_s
    watching = Watching(
        cameras=frozenset({camera_id}),
        added=[] if there else [camera],
        interval_s=interval_s,
        # The model is warm or not: the first frame is not what is promised.
        warm_up_s=interval_s,
        duration_s=duration_s,
        start_timeout_s=_START_TIMEOUT_S,
    )
    with interruptible():
        observed = observe(running(settings), watching, say, lambda _passed_s, _line: None)
    result = result_of(observed, settings)
    most_ms = settings.monitoring.alerts.latency_threshold_p95 * 1000
    return Probed(promises(result, most_end_to_end_ms=most_ms), result)


def _in_force(settings: Settings) -> dict[str, CameraCommand]:
    """The cameras that run: those of the settings, changed by camera-control."""
    wanted: dict[str, CameraCommand | None] = {c.id: command_of(c) for c in settings.cameras}
    wanted |= announced(settings.kafka)
    return {i: command for i, command in wanted.items() if command and command.enabled}
