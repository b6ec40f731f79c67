"""One worker with cameras that come and go by command, and what it did in a while."""

import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from prometheus_client.parser import text_string_to_metric_families

from streaming.benchmark.detection.audience import Audience
from streaming.benchmark.detection.load import Load
from streaming.benchmark.scheduler import isolation
from streaming.benchmark.scheduler.figures import percentiles
from streaming.benchmark.scheduler.processes import Daemon, Fleet, machine_busy_s
from streaming.detection import worker
from streaming.embedded import ports
from streaming.errors import ServiceError
from streaming.kafka.cameras import announce, withdraw
from streaming.messages import CameraCommand
from streaming.proxies import open_here
from streaming.settings import Settings

_START_TIMEOUT_S = 120.0
_START_EACH_S = 1.0
"""Longer than a synthetic camera takes to be built, one after another."""
_SCRAPE_TIMEOUT_S = 5.0
_POLL_S = 0.2
_MOST_PIECE_S = 5.0


@dataclass(slots=True)
class Stage:
    """A running worker."""

    settings: Settings
    load: Load
    daemon: Daemon
    audience: Audience
    cameras: set[str]

    def run(self, commands: Iterable[CameraCommand], *, wait_for: Collection[str]) -> None:
        """Exactly these cameras from now on; returns when those waited for give results.

        Raises:
            ServiceError: one of them gives none.
        """
        wanted = {c.camera_id: c for c in commands}
        for camera_id in self.cameras - wanted.keys():
            withdraw(self.settings.kafka, camera_id)
        for camera_id in wanted.keys() - self.cameras:
            announce(self.settings.kafka, wanted[camera_id])
        self.cameras = set(wanted)
        began_s = time.monotonic()
        timeout_s = _START_TIMEOUT_S + _START_EACH_S * len(wanted)
        while missing := set(wait_for) - {s.camera_id for s in self.audience.since(began_s)}:
            self.daemon.check()
            if time.monotonic() - began_s > timeout_s:
                raise ServiceError(
                    f"no result of cameras {sorted(missing)[:5]} in {timeout_s:.0f} s"
                )
            time.sleep(_POLL_S)

    def watch(self, duration_s: float, cameras: Collection[str]) -> dict[str, Any]:
        """What comes of these cameras in so long, and what the worker takes for all of them."""
        began_s, cpu_s, busy_s = time.monotonic(), self.daemon.cpu_s(), machine_busy_s()
        before = self._frames(cameras)
        rss_mb = 0.0
        while (left_s := began_s + duration_s - time.monotonic()) > 0:
            time.sleep(min(_MOST_PIECE_S, left_s))
            self.daemon.check()
            rss_mb = max(rss_mb, self.daemon.rss_mb())
        took_s, cores = time.monotonic() - began_s, psutil.cpu_count() or 1
        cpu_share = (self.daemon.cpu_s() - cpu_s) / took_s / cores
        machine_share = (machine_busy_s() - busy_s) / took_s / cores
        after = self._frames(cameras)
        seen = self.audience.since(began_s, cameras)
        return {
            "cameras": len(cameras),
            "due_per_s": round(len(cameras) / self.load.interval_s, 2),
            "frames_per_s": round(len(seen) / took_s, 2),
            "dropped": after["dropped"] - before["dropped"],
            "failed": after["failed"] - before["failed"],
            "capture_to_publish_ms": percentiles([s.age_ms for s in seen]),
            "cpu_share": round(cpu_share, 3),
            "machine_cpu_share": round(machine_share, 3),
            "rss_mb": rss_mb,
        }

    def _frames(self, cameras: Collection[str]) -> dict[str, int]:
        """By outcome, of these cameras, since the worker's start."""
        port = self.settings.serving.metrics.port
        address = f"http://127.0.0.1:{port}/metrics"
        with open_here(address, _SCRAPE_TIMEOUT_S) as answer:
            text = answer.read().decode()
        counts = {"published": 0, "dropped": 0, "failed": 0}
        for family in text_string_to_metric_families(text):
            for sample in family.samples if family.name == "trafficmon_frames" else ():
                if sample.name.endswith("_total") and sample.labels["camera_id"] in cameras:
                    counts[sample.labels["outcome"]] += int(sample.value)
        return counts


@contextmanager
def staged(settings: Settings, load: Load, folder: Path) -> Iterator[Stage]:
    """A worker without cameras; `settings` are isolated already. Nothing of it stays."""
    with isolation.own_topics(settings.kafka), Fleet(folder) as fleet:
        with ports.Reservations() as reserved:
            port = reserved.next_free(ports.any_free())
        metrics = settings.serving.metrics.model_copy(update={"port": port})
        serving = settings.serving.model_copy(update={"metrics": metrics})
        own = settings.model_copy(update={"serving": serving})
        daemon = fleet.start("detection", worker.run, own)
        with Audience(own.kafka) as audience:
            yield Stage(own, load, daemon, audience, set())
