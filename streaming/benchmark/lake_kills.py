"""kill -9 of ingestion at random moments: is every message in the lake exactly once?"""

import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from random import Random
from typing import Any

from streaming.benchmark.lake import fill
from streaming.benchmark.report import Report
from streaming.benchmark.scheduler.surroundings import broker, own_folder
from streaming.benchmark.task_messages import messages
from streaming.benchmark.task_topics import own_settings
from streaming.kafka.admin import delete_topics, ensure_topics
from streaming.lake import ask, opened, source
from streaming.lake.ingest import ingest
from streaming.lake.schema import ensure_schema
from streaming.lake.streams import STREAMS
from streaming.settings import Settings

Say = Callable[[str], None]
_START_TIMEOUT_S = 120.0
_FIRST_LONGEST_S = 1.0
_LONGEST_S = 60.0
"""The killing falls between the first look at Kafka and so much later."""


@dataclass(frozen=True, slots=True)
class Kills:
    """How many kills, over how many detections in batches of what size."""

    kills: int
    messages: int
    batch_messages: int = 500
    seed: int = 1


def measure(settings: Settings, plan: Kills, say: Say) -> Report:
    """The kills, one run to the end, then all message ids as sets.

    Raises:
        ServiceError: no broker answers, and none can be started.
    """
    with own_folder(say) as folder, broker(settings, folder, say) as here:
        own = own_settings(here, gate=False).model_copy(update={"state_dir": folder / "state"})
        ensure_topics(own.kafka)
        wanted: set[str] = set()

        def send() -> None:
            prefix = uuid.uuid4().hex[:23]
            topic = own.kafka.topics.detection_results
            fill(own, topic, messages(plan.messages, prefix, datetime.now(UTC)))
            wanted.update(f"{prefix}-{n:012d}" for n in range(plan.messages))

        try:
            send()
            say(f"{plan.kills} kills …")
            committed = kill_often(
                own, send, kills=plan.kills, batch_messages=plan.batch_messages, seed=plan.seed
            )
            result = _compared(own, wanted)
        finally:
            names = [t.name for t in own.kafka.topics.all()]
            delete_topics(own.kafka, names)
    results = {"kills": plan.kills, "batches_committed_before_the_last_kill": committed}
    return Report("lake kills", asdict(plan), [results | result])


def kill_often(
    settings: Settings, send_more: Callable[[], None], *, kills: int, batch_messages: int, seed: int
) -> int:
    """Start ingestion and kill it, again and again; the batches committed at the end of it.

    Lives get longer while nothing is committed and shorter where much is, so that kills fall
    on every step, however fast the machine is. A life that ends by itself has brought
    everything: more is sent, and no kill counted.
    """
    rng, context = Random(seed), get_context("spawn")  # noqa: S311 - not a secret
    with opened(settings) as con:
        ensure_schema(con)
    killed, committed, longest_s = 0, 0, _FIRST_LONGEST_S
    while killed < kills:
        begun = context.Event()
        process = context.Process(target=_ingest, args=(settings, batch_messages, begun))
        process.start()
        begun.wait(_START_TIMEOUT_S)
        # A kill is late or early by chance: that is what is wanted here.
        time.sleep(rng.uniform(0.0, longest_s))
        process.kill()
        process.join()
        if process.exitcode == 0:
            send_more()
            longest_s /= 2
            continue
        killed += 1
        before, committed = committed, _batches(settings)
        if committed == before:
            longest_s = min(_LONGEST_S, longest_s * 2)
        elif committed > before + 3:
            longest_s /= 2
    return committed


def _batches(settings: Settings) -> int:
    return int(ask(settings, "SELECT sum(batches) FROM ingestions").rows[0][0])


def _ingest(settings: Settings, batch_messages: int, begun: Event) -> None:
    source.BATCH_MESSAGES = batch_messages
    source._FETCH_MESSAGES = batch_messages  # noqa: SLF001 - batches small enough to be many
    with opened(settings) as con:
        ensure_schema(con)
        begun.set()
        for stream in STREAMS:
            ingest(con, settings.kafka, stream)


def _compared(settings: Settings, wanted: set[str]) -> dict[str, Any]:
    with opened(settings) as con:
        for stream in STREAMS:
            ingest(con, settings.kafka, stream)
    found = [row[0] for row in ask(settings, "SELECT message_id FROM detections").rows]
    (objects,) = ask(settings, "SELECT count(*) FROM detected_objects").rows[0]
    return {
        "messages": len(found),
        "missing": len(wanted - set(found)),
        "foreign": len(set(found) - wanted),
        "twice": len(found) - len(set(found)),
        "objects_wrong": int(objects) - 8 * len(wanted),
    }
