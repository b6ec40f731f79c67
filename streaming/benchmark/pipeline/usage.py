"""Sample the cores and memory of each process and the lag of each group."""

import os
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import psutil

from streaming.benchmark.scheduler.processes import machine_busy_s
from streaming.errors import KafkaUnreachable
from streaming.kafka import admin
from streaming.settings import KafkaSettings

OWN = "benchmark"
_END_S = 15.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One look: processor time so far by process (s), memory (MB), lag by `group topic`."""

    at_s: float
    busy_s: float
    cpu_s: Mapping[str, float]
    rss_mb: Mapping[str, float]
    lag: Mapping[str, int] | None


@dataclass(slots=True)
class Usage:
    """Looks every `every_s` in a thread, for the length of the block."""

    kafka: KafkaSettings
    pids: Mapping[str, int]
    every_s: float
    samples: list[Sample] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _processes: dict[str, psutil.Process] = field(default_factory=dict)

    def __enter__(self) -> "Usage":
        for name, pid in {**self.pids, OWN: os.getpid()}.items():
            try:
                self._processes[name] = psutil.Process(pid)
            except psutil.NoSuchProcess:
                continue
        self._thread = threading.Thread(target=self._run, name="usage", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_END_S)

    @property
    def lag(self) -> int | None:
        """The last that is known."""
        known = [sample.lag for sample in list(self.samples) if sample.lag is not None]
        return sum(known[-1].values()) if known else None

    def look(self) -> Sample:
        """How things stand now; a process that is gone is left out."""
        cpu, rss = {}, {}
        for name, process in self._processes.items():
            try:
                times, memory = process.cpu_times(), process.memory_info()
            except psutil.Error:
                continue
            cpu[name] = float(times.user + times.system)
            rss[name] = memory.rss / 2**20
        return Sample(time.time(), machine_busy_s(), cpu, rss, self._lag())

    def _run(self) -> None:
        while not self._stop.is_set():
            self.samples.append(self.look())
            self._stop.wait(self.every_s)

    def _lag(self) -> dict[str, int] | None:
        try:
            found = admin.lag_by_partition(self.kafka)
        except KafkaUnreachable:
            return None
        topics = self.kafka.topics
        with_markers = {topics.assessment_tasks.name, topics.skipped_groups.name}
        total: Counter[str] = Counter()
        for (group, (topic, _)), behind in found.items():
            # The marker that ends a transaction takes an offset and is never delivered.
            waits = behind - 1 if topic in with_markers else behind
            total[f"{group} {topic}"] += max(0, waits)
        return dict(total)


def resources(samples: list[Sample], begin_s: float, end_s: float) -> dict[str, Any]:
    """Cores and most memory of each process within the window, and of all together."""
    inside = [s for s in samples if begin_s <= s.at_s <= end_s] or samples[-1:]
    first, last = inside[0], inside[-1]
    seconds = last.at_s - first.at_s
    names = sorted(last.cpu_s.keys() & first.cpu_s.keys())
    return {
        "cores": psutil.cpu_count() or 1,
        "cores_busy": round((last.busy_s - first.busy_s) / seconds, 2) if seconds else None,
        "processes": {
            name: {
                "cores": round((last.cpu_s[name] - first.cpu_s[name]) / seconds, 3)
                if seconds
                else None,
                "rss_mb": round(max(s.rss_mb.get(name, 0.0) for s in inside), 1),
            }
            for name in names
        },
    }


def lag_over_time(samples: list[Sample], begin_s: float) -> list[dict[str, Any]]:
    """Each look from `begin_s` on: seconds since then, and the lag of each group and topic."""
    return [
        {"at_s": round(s.at_s - begin_s, 1), "all": sum(s.lag.values()), "by_group": dict(s.lag)}
        for s in samples
        if s.lag is not None and s.at_s >= begin_s
    ]
