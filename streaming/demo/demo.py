"""Starts the whole path, shows it live, drains it, and proves that every task was accounted for."""

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.live import Live

from streaming import supervision
from streaming.demo.first_look import FirstLook
from streaming.demo.screen import line, screen, summary_table
from streaming.demo.surroundings import Observer
from streaming.demo.tally import Tally
from streaming.demo.watch import Watch, ends
from streaming.kafka import admin
from streaming.settings import Settings

INFRASTRUCTURE = ("kafka", "redis")
REFRESH_S = 1.0
LINE_EVERY_S = 5.0
NO_FRAME_S = 120.0


def demo(settings: Settings, *, duration_s: float | None, console: Console) -> int:
    """Run until Ctrl-C or `duration_s` after the first frame; 0 if the summary balances."""
    started_at = datetime.now(UTC)
    with _stop_on_signals() as stop:
        try:
            settings = supervision.up(settings, INFRASTRUCTURE, console.print)
            tally = Tally(started_at)
            with Watch(settings.kafka, tally, ends(settings.kafka)) as watch:
                settings = supervision.up(settings, _path(settings), console.print)
                observer = Observer(settings)
                with FirstLook(settings, watch, console.print, observer.use):
                    _show(watch, observer, stop, duration_s, console)
                    console.print("Draining: cameras stop, what is under way is judged …")
                    _drain(settings, watch)
        finally:
            supervision.down(settings, console.print)
    return _conclude(tally, settings.reports_dir / "demo.json", console)


def _path(settings: Settings) -> list[str]:
    """What a frame needs to become a verdict on the wall; Dagster starts after the first one."""
    return [d for d in supervision.DAEMONS if d != "simulator" or settings.simulated]


def _show(
    watch: Watch[Tally],
    observer: Observer,
    stop: threading.Event,
    duration_s: float | None,
    console: Console,
) -> None:
    """The live table on a terminal, a line every few seconds elsewhere."""
    end = End(duration_s)
    next_line = 0.0
    firsts = _Firsts(console)
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while not stop.is_set() and not end.has_come(watch.tally, time.monotonic()):
            around, now = observer.look(), datetime.now(UTC)
            with watch.lock:
                firsts.tell(watch.tally)
                if console.is_terminal:
                    live.update(screen(watch.tally, around, now), refresh=True)
                elif time.monotonic() >= next_line:
                    next_line = time.monotonic() + LINE_EVERY_S
                    console.print(line(watch.tally, around, now), soft_wrap=True)
            stop.wait(REFRESH_S)


class End:
    """`duration_s` after the first frame, or two minutes later if none comes; None: never."""

    def __init__(self, duration_s: float | None) -> None:
        self._duration_s = duration_s
        self._at_s: float | None = None
        self._framed = False

    def has_come(self, tally: Tally, now_s: float) -> bool:
        if self._duration_s is None:
            return False
        if self._at_s is None:
            self._at_s = now_s + self._duration_s + NO_FRAME_S
        if tally.frame_ids and not self._framed:
            self._framed, self._at_s = True, now_s + self._duration_s
        return now_s >= self._at_s


class _Firsts:
    """Says once when the first frame and the first verdict came."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told: set[str] = set()

    def tell(self, tally: Tally) -> None:
        for what, after_s in (
            ("frame", tally.first_frame_s), ("verdict", tally.first_assessment_s),
        ):  # fmt: skip
            if after_s is not None and what not in self._told:
                self._told.add(what)
                self._console.print(f"First {what} {after_s:.1f} s after the start")


def _drain(settings: Settings, watch: Watch[Tally]) -> None:
    """Stop the cameras first; then wait until every group is planned and every task ended."""
    supervision.stop(settings, ["detection"])
    deadline = time.monotonic() + settings.scheduler.task_timeout_seconds + 20

    planned = ("tasks", settings.kafka.topics.detection_results.name)

    def done() -> bool:
        if admin.lag(settings.kafka).get(planned):
            return False
        with watch.lock:
            tally = watch.tally
            return watch.caught_up and tally.unplanned == 0 and tally.unaccounted == 0

    _wait(done, deadline)
    supervision.stop(settings, ["tasks", "scheduling", "aggregation"])


def _wait(done: Callable[[], bool], deadline: float) -> None:
    while not done() and time.monotonic() < deadline:
        time.sleep(0.25)


def _conclude(tally: Tally, report_file: Path, console: Console) -> int:
    summary = tally.summary() | {"ended_at": datetime.now(UTC).isoformat()}
    report_file.parent.mkdir(parents=True, exist_ok=True)
    report_file.write_text(json.dumps(summary, indent=2) + "\n")
    console.print(summary_table(summary))
    console.print(f"Written to {report_file}")
    if tally.balanced:
        console.print(
            "[green]Everything is accounted for: groups = tasks + skipped, "
            "tasks = assessed + expired + failed."
        )
        return 0
    if tally.unplanned:
        console.print(f"[red]{tally.unplanned} groups became no task; see logs/tasks.log")
    if tally.unaccounted:
        console.print(f"[red]{tally.unaccounted} tasks did not end; see logs/scheduler.log")
    else:
        console.print("[red]No camera produced an assessment; see logs/app.log")
    return 1


@contextmanager
def _stop_on_signals() -> Iterator[threading.Event]:
    """The first Ctrl-C drains; the second one stops at once."""
    stop = threading.Event()

    def on_signal(_signum: int, _frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {s: signal.signal(s, on_signal) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
