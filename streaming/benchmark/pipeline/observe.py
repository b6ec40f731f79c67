"""Run the cameras: warm-up, measured window, drained end; and record what happens."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from streaming.benchmark.pipeline.due import Window
from streaming.benchmark.pipeline.ledger import Ledger
from streaming.benchmark.pipeline.stack import Stack
from streaming.benchmark.pipeline.usage import Sample, Usage
from streaming.benchmark.pipeline.walls import Walls
from streaming.benchmark.scheduler.surroundings import Say
from streaming.demo.screen import Surroundings, line
from streaming.demo.tally import Tally
from streaming.demo.watch import Watch, ends
from streaming.kafka.cameras import announce, withdraw
from streaming.messages import CameraCommand
from streaming.settings import KafkaSettings

Progress = Callable[[float, str], None]
"""Seconds of the window that are over, and the figures at that moment."""

_TICK_S = 0.5
_SHOW_EVERY_S = 1.0
_NO_NEWS_S = 30.0
_DRAIN_MORE_S = 10.0
_SAMPLES = 120


@dataclass(frozen=True, slots=True)
class Watching:
    """Which cameras, and for how long. `added` are started for it and removed after it."""

    cameras: frozenset[str]
    added: Sequence[CameraCommand]
    interval_s: float
    warm_up_s: float
    duration_s: float
    start_timeout_s: float


@dataclass(frozen=True, slots=True)
class Observed:
    """`http_429` by the simulator's own count since the window began; 0 for a real provider,
    whose refusals show as further attempts."""

    ledger: Ledger
    window: Window
    samples: list[Sample]
    http_429: int


def observe(found: Stack, watching: Watching, say: Say, progress: Progress) -> Observed:
    """Everything from the first frame to the last verdict. The cameras are removed in any case.

    Raises:
        ServiceError: a daemon of the stack ended.
        KafkaUnreachable: no broker answers.
    """
    settings = found.settings
    ledger = Ledger(watching.cameras, Tally(datetime.now(UTC)))
    every_s = max(1.0, watching.duration_s / _SAMPLES)
    with (
        Watch(settings.kafka, ledger, ends(settings.kafka)) as watch,
        Walls(settings.redis, ledger.show),
        Usage(settings.kafka, found.pids, every_s) as usage,
    ):
        run = _Run(found, watch, usage, progress)
        with _cameras(settings.kafka, watching.added):
            run.wait_for_frames(watching)
            say(f"warming up for {watching.warm_up_s:g} s")
            run.go_on(watching.warm_up_s)
            say(f"{watching.duration_s:g} s are measured")
            refused, begin_s = _refused(found), time.time()
            run.go_on(watching.duration_s, shown=True)
            window = Window(begin_s, time.time(), watching.interval_s)
            # The last due moments are answered a little later.
            run.go_on(watching.interval_s + _TICK_S)
            with watch.lock:
                ledger.until_s = time.time()
        say("draining")
        run.drain()
        usage.samples.append(usage.look())
        return Observed(ledger, window, usage.samples, _refused(found) - refused)


class _Run:
    """What happens between start and end; every wait looks whether a daemon ended."""

    def __init__(
        self, found: Stack, watch: Watch[Ledger], usage: Usage, progress: Progress
    ) -> None:
        self._found = found
        self._watch, self._usage = watch, usage
        self._progress = progress

    def wait_for_frames(self, watching: Watching) -> None:
        """Return when every camera gives frames, or when no further one begins."""
        begun_s = news_s = time.monotonic()
        seen = 0
        while seen < len(watching.cameras):
            self._tick()
            now_s = time.monotonic()
            with self._watch.lock:
                now_seen = len({f.camera_id for f in self._watch.tally.frames.values()})
            if now_seen > seen:
                seen, news_s = now_seen, now_s
            if now_s - begun_s > watching.start_timeout_s or (seen and now_s - news_s > _NO_NEWS_S):
                return

    def go_on(self, for_s: float, *, shown: bool = False) -> None:
        """Let it run for so long."""
        begun_s = time.monotonic()
        next_s = 0.0
        while (passed_s := time.monotonic() - begun_s) < for_s:
            self._tick(min(_TICK_S, for_s - passed_s))
            if shown and passed_s >= next_s:
                next_s = passed_s + _SHOW_EVERY_S
                self._progress(passed_s, self._line())

    def drain(self) -> None:
        """Wait until every group is planned and every task has ended, as far as they ever do."""
        timeout_s = self._found.settings.scheduler.task_timeout_seconds + _DRAIN_MORE_S
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            self._tick()
            with self._watch.lock:
                tally = self._watch.tally.tally
                over = self._watch.caught_up and not (tally.unplanned or tally.unaccounted)
            if over and (self._found.shared or not self._usage.lag):
                return

    def _tick(self, for_s: float = _TICK_S) -> None:
        self._found.check()
        time.sleep(for_s)

    def _line(self) -> str:
        now = datetime.now(UTC)
        keys = str(len(self._found.settings.api_keys))
        around = Surroundings(keys, self._usage.lag, {}, {}, (), {})
        with self._watch.lock:
            return line(self._watch.tally.tally, around, now)


@contextmanager
def _cameras(kafka: KafkaSettings, commands: Sequence[CameraCommand]) -> Iterator[None]:
    """The cameras, for the length of the block."""
    try:
        announce(kafka, *commands)
        yield
    finally:
        withdraw(kafka, *(command.camera_id for command in commands))


def _refused(found: Stack) -> int:
    return 0 if found.truth is None else found.truth.counts().http_429
