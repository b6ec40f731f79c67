"""How many results a second one aggregation worker merges: real Kafka, real Redis.

Every message is on its topic before the worker starts: frames of 50 cameras with two groups
each, and a verdict for each group. What is timed is from the first frames it has completed
to the last.
"""

import time
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from confluent_kafka import Producer

from streaming.aggregation import worker
from streaming.benchmark.report import Report
from streaming.benchmark.scheduler import surroundings
from streaming.benchmark.scheduler.processes import Daemon, Fleet
from streaming.benchmark.serving_messages import GROUPS, frames, verdicts
from streaming.benchmark.task_topics import own_settings
from streaming.errors import ServiceError
from streaming.kafka import admin
from streaming.kafka.clients import producer
from streaming.proxies import open_here
from streaming.settings import Settings

_LOOK_S = 0.1
_SCRAPE_TIMEOUT_S = 5.0
_DELETE_S = 10.0
_COMPLETE = 'trafficmon_frames_merged_total{completeness="complete"}'
_STALL_S = 60.0


def measure(settings: Settings, *, results: int, say: Callable[[str], None]) -> Report:
    """One worker on so many verdicts and their frames.

    Raises:
        ServiceError: Kafka or Redis cannot be started, or the worker stands still.
    """
    count = results // GROUPS
    with (
        surroundings.own_folder(say) as folder,
        surroundings.broker(settings, folder, say) as there,
        surroundings.own_memory(there, folder) as memory,
        Fleet(folder) as fleet,
    ):
        own = own_settings(memory, gate=False)
        admin.ensure_topics(own.kafka)
        names = [t.name for t in own.kafka.topics.all()]
        try:
            say("putting the messages on their topics …")
            _fill(own, count)
            say("aggregating …")
            figures = _timed(own, fleet.start("aggregation", worker.run, own), count)
        finally:
            admin.delete_topics(own.kafka, names)
    return Report("aggregation", {"results": results, "groups_per_frame": GROUPS}, [figures])


def _fill(settings: Settings, count: int) -> None:
    prefix, first_at = uuid.uuid4().hex[:16], datetime.now(UTC) - timedelta(hours=1)
    topics = settings.kafka.topics
    out = producer(settings.kafka, client_id="bench", linger_ms=20)
    _send(out, topics.detection_results.name, frames(count, prefix, first_at))
    _send(out, topics.risk_assessment_results.name, verdicts(count, prefix, first_at))
    if out.flush(60):
        raise ServiceError("the broker did not take every message")


def _send(out: Producer, topic: str, records: Iterable[tuple[bytes, bytes]]) -> None:
    for key, value in records:
        while True:
            try:
                out.produce(topic, value, key)
                break
            except BufferError:
                out.poll(0.1)
        out.poll(0)


def _timed(settings: Settings, daemon: Daemon, count: int) -> dict[str, Any]:
    """Rates from the first look at which frames were complete to the one at which all were."""
    port = settings.serving.metrics.port + worker.METRICS_OFFSET
    first: tuple[float, int, float] | None = None
    done, moved_s = 0, time.monotonic()
    while done < count:
        time.sleep(_LOOK_S)
        daemon.check()
        found, now_s = _merged(port), time.monotonic()
        if found > done:
            done, moved_s = found, now_s
            first = first or (now_s, done, daemon.cpu_s())
        elif now_s - moved_s > _STALL_S:
            raise ServiceError(f"aggregation stands still at {done} of {count} frames")
    if first is None or done == first[1]:
        raise ServiceError("too few results to time; ask for more")
    frames_done, took_s = done - first[1], moved_s - first[0]
    return {
        "results_per_s": round(frames_done * GROUPS / took_s),
        "messages_per_s": round(frames_done * (1 + GROUPS) / took_s),
        "cpu_us_per_message": round(
            (daemon.cpu_s() - first[2]) / (frames_done * (1 + GROUPS)) * 1e6, 1
        ),
        "rss_mb": daemon.rss_mb(),
    }


def _merged(metrics_port: int) -> int:
    """Frames that the worker has completed, by its own count; 0 before it serves."""
    try:
        address = f"http://127.0.0.1:{metrics_port}/metrics"
        with open_here(address, _SCRAPE_TIMEOUT_S) as answer:
            lines = answer.read().decode().splitlines()
    except OSError:
        return 0
    return round(
        sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(_COMPLETE))
    )
