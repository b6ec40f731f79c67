"""The lake: how fast messages come in from Kafka, what a row costs, how long a report takes.

Real Kafka, on topics of its own; a lake of its own in a temporary folder. The first messages
come through Kafka, the rest of the rows are made of them by SQL, on other days and with other
ids: what a report costs does not depend on how its rows came.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import duckdb

from streaming.benchmark import lake_rows
from streaming.benchmark.lake_messages import verdicts
from streaming.benchmark.lake_process import Brought, Read, ingest_apart, readers
from streaming.benchmark.report import Report
from streaming.benchmark.scheduler.surroundings import broker, own_folder
from streaming.benchmark.task_messages import messages
from streaming.benchmark.task_topics import own_settings
from streaming.kafka.admin import delete_topics, ensure_topics
from streaming.kafka.clients import producer as new_producer
from streaming.lake import opened
from streaming.lake.latency import latency_figures
from streaming.lake.schema import ensure_schema
from streaming.lake.upkeep import tidy
from streaming.settings import Settings, Topic

Say = Callable[[str], None]
BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
_REPORTS = 3
_KEEP = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Load:
    """`rows` assessments over `days`; of them, and of detections, how many come through Kafka,
    the assessments in so many `rounds`, each half alone and half beside readers."""

    rows: int
    days: int = 30
    through_kafka: int = 500_000
    detections: int = 200_000
    readers: int = 8
    rounds: int = 1

    @property
    def portion(self) -> int:
        """Verdicts of half a round."""
        return max(1, min(self.rows, self.through_kafka) // 2 // self.rounds)

    @property
    def per_day(self) -> int:
        return max(1, self.rows // self.days)


def measure(settings: Settings, load: Load, say: Say) -> Report:
    """One lake of `load.rows` assessments.

    Raises:
        ServiceError: no broker answers, and none can be started.
    """
    with own_folder(say) as folder, broker(settings, folder, say) as here:
        own = own_settings(here, gate=False).model_copy(update={"state_dir": folder / "state"})
        own = own.model_copy(
            update={"lake": own.lake.model_copy(update={"catalog": None, "data_path": None})}
        )
        ensure_topics(own.kafka)
        try:
            result = _ingested(own, load, say)
        finally:
            names = [t.name for t in own.kafka.topics.all()]
            delete_topics(own.kafka, names)
        result |= _reported(own, load, say)
    return Report("lake", asdict(load), [result])


def _ingested(settings: Settings, load: Load, say: Say) -> dict[str, Any]:
    """Detections alone, then the rounds of verdicts."""
    with opened(settings) as con:
        ensure_schema(con)
    say(f"{load.detections:,} detections …")
    topic = settings.kafka.topics.detection_results
    fill(settings, topic, messages(load.detections, "d" * 23, BEGIN))
    frames = ingest_apart(settings, "detections")
    rounds = [_round(settings, load, number, say) for number in range(load.rounds)]
    brought = [b for r in rounds for b in (r.alone, r.accompanied)]
    return {
        "rows": load.rows,
        "ingest_rows_per_s": round(median(r.alone.per_s for r in rounds)),
        "ingest_rows_per_s_with_readers": round(median(r.accompanied.per_s for r in rounds)),
        "share_with_readers": round(median(r.accompanied.per_s / r.alone.per_s for r in rounds), 3),
        "ingest_detections_per_s": round(frames.per_s),
        "rss_mb": round(max(b.rss_mb for b in (frames, *brought))),
        "readers_s": round(sum(r.readers_s for r in rounds)),
        "reader_questions": sum(r.read.questions for r in rounds),
        "reader_errors": sum(len(r.read.errors) for r in rounds),
        "half_seen": sum(r.read.half_seen for r in rounds),
    }


@dataclass(frozen=True, slots=True)
class _Round:
    """The same number of verdicts alone and beside readers, who stay while the lake is tidied."""

    alone: Brought
    accompanied: Brought
    read: Read
    readers_s: float


def _round(settings: Settings, load: Load, number: int, say: Say) -> _Round:
    count, topic = load.portion, settings.kafka.topics.risk_assessment_results
    say(f"{count:,} verdicts alone, {count:,} beside {load.readers} readers …")
    fill(settings, topic, _verdicts(2 * number * count, count, load))
    alone = ingest_apart(settings, "assessments")
    begun_s = time.monotonic()
    with readers(settings, load.readers) as read:
        fill(settings, topic, _verdicts((2 * number + 1) * count, count, load))
        accompanied = ingest_apart(settings, "assessments")
        with opened(settings) as con:
            tidy(con, keep=_KEEP)
    return _Round(alone, accompanied, read, time.monotonic() - begun_s)


def _reported(settings: Settings, load: Load, say: Say) -> dict[str, Any]:
    with opened(settings) as con:
        say(f"{load.rows:,} rows over {load.days} days …")
        lake_rows.grow(con, rows=load.rows, per_day=load.per_day)
        begun_s = time.monotonic()
        tidy(con, keep=timedelta(0))
        tidy_s = time.monotonic() - begun_s
        rows, size_bytes = lake_rows.size(con, settings, "assessments")
        say("reports …")
        middle = BEGIN.replace(tzinfo=None) + timedelta(days=load.days // 2)
        day_s = min(_report_s(con, middle, 1) for _ in range(_REPORTS))
        month_s = _report_s(con, BEGIN.replace(tzinfo=None), load.days)
    return {
        "assessments": rows,
        "report_day_s": round(day_s, 3),
        "report_month_s": round(month_s, 2),
        "bytes_per_row": round(size_bytes / rows, 1),
        "tidy_s": round(tidy_s, 1),
        "lake_mb": round(_folder_bytes(settings.state_dir / "lake") / 2**20),
    }


def _report_s(con: duckdb.DuckDBPyConnection, since: datetime, days: int) -> float:
    begun_s = time.monotonic()
    latency_figures(con, since=since, until=since + timedelta(days=days), threshold_p95_ms=2_000)
    return time.monotonic() - begun_s


def _verdicts(first: int, count: int, load: Load) -> Iterable[tuple[bytes, bytes]]:
    return verdicts(first, count, per_day=load.per_day, begin=BEGIN, seed=first)


def fill(settings: Settings, topic: Topic, pairs: Iterable[tuple[bytes, bytes]]) -> None:
    """Put (key, value) pairs on a topic."""
    kafka = settings.kafka
    producer = new_producer(kafka, client_id="bench", linger_ms=50)
    for number, (key, value) in enumerate(pairs):
        while True:
            try:
                producer.produce(topic.name, value, key)
                break
            except BufferError:
                producer.poll(0.1)
        if number % 1_000 == 0:
            producer.poll(0)
    producer.flush(60)


def _folder_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
