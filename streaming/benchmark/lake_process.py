"""Processes of the benchmark of the lake: one that ingests, and one full of readers."""

import contextlib
import resource
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from typing import Any

from streaming.errors import TrafficmonError
from streaming.lake import ask, give_way, opened
from streaming.lake.ingest import ingest
from streaming.lake.schema import ensure_schema
from streaming.lake.streams import STREAMS
from streaming.settings import Settings

READER_PAUSE_S = 1.0
"""Between two questions of one reader: a person or a dashboard, not a loop that eats a core."""

HALF_SEEN = """
SELECT (SELECT count(*) FROM assessments) + (SELECT count(*) FROM detections)
     - (SELECT sum(messages) FROM ingestions WHERE stream IN ('assessments', 'detections')),
       (SELECT sum(object_count) FROM detections) - (SELECT count(*) FROM detected_objects)
"""
"""Zero or null in every state that a reader may see."""


@dataclass(frozen=True, slots=True)
class Brought:
    """What a run of ingestion brought, how long it took, and its process's most memory."""

    messages: int
    rows: dict[str, int]
    seconds: float
    rss_mb: float

    @property
    def per_s(self) -> float:
        return self.messages / self.seconds


@dataclass(slots=True)
class Read:
    """What the readers saw."""

    questions: int = 0
    errors: list[str] = field(default_factory=list)
    half_seen: int = 0


def ingest_apart(settings: Settings, stream: str) -> Brought:
    """One stream, in a process of its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(_ingest, settings, stream).result()


def _ingest(settings: Settings, name: str) -> Brought:
    stream = next(stream for stream in STREAMS if stream.name == name)
    with opened(settings) as con:
        ensure_schema(con)
        begun_s = time.monotonic()
        found = ingest(con, settings.kafka, stream)
        took_s = time.monotonic() - begun_s
    rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Brought(found.messages, found.rows, took_s, rss_mb)


@contextmanager
def readers(settings: Settings, count: int) -> Iterator[Read]:
    """So many threads of another process ask while the block lasts; then what they saw is told."""
    context = get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(1, context) as pool:
        over: Any = manager.Event()
        answers = pool.submit(_read, settings, count, over)
        seen = Read()
        try:
            yield seen
        finally:
            over.set()
            found = answers.result()
            seen.questions, seen.errors, seen.half_seen = (
                found.questions,
                found.errors,
                found.half_seen,
            )


def _read(settings: Settings, count: int, over: Event) -> Read:
    give_way()  # as `trafficmon sql` does
    seen = Read()
    threads = [threading.Thread(target=_ask_on, args=(settings, over, seen)) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seen


def _ask_on(settings: Settings, over: Event, seen: Read) -> None:
    with contextlib.suppress(EOFError, OSError):  # the benchmark itself is gone
        while not over.wait(READER_PAUSE_S):
            try:
                rows = ask(settings, HALF_SEEN).rows
            except TrafficmonError as exc:
                seen.errors.append(str(exc))
            else:
                seen.half_seen += any(rows[0])
            seen.questions += 1
