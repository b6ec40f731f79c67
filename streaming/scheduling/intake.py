"""The Kafka side of the worker, in one thread: tasks in, offsets out, partitions given back.

The consumer belongs to this thread alone. The commit order, by which no task is lost:
1. a result is remembered in Redis, 2. it is produced, 3. the broker confirms it,
4. its task's offset counts as done, 5. offsets before the oldest unfinished one are committed.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from streaming.errors import BadMessage, KafkaRefused, KafkaUnreachable, TrafficmonError
from streaming.kafka.checked import CheckedProducer
from streaming.kafka.clients import is_fatal
from streaming.kafka.dead_letters import dlq_topic, headers
from streaming.kafka.flow import Flow
from streaming.kafka.offsets import OffsetTracker
from streaming.messages import HEADERS, AssessmentTask, decode
from streaming.metrics import Metrics
from streaming.tracing import HEADER, next_traceparent

log = logging.getLogger(__name__)

STAGE = "scheduling"

_PARTITION_EOF = KafkaError._PARTITION_EOF  # noqa: SLF001 - librdkafka's own codes are named so
_POLL_S = 0.05
_PLENTY = 32
_GATHER_S = 0.05
"""While so many tasks wait for a slot, further ones come in so often: each wake-up of three
threads for one task cost 0.5 ms of CPU at 100 tasks/s."""
_COMMIT_EVERY_S = 1.0
_FLUSH_S = 10.0
_HANDOVER_S = 20.0


@dataclass(frozen=True, slots=True)
class Job:
    """A task, where it came from, and the trace it belongs to."""

    task: AssessmentTask
    partition: int
    offset: int
    traceparent: bytes | None = None


class Desk(Protocol):
    """Who works on the tasks; its methods are called on the event loop."""

    @property
    def waiting(self) -> int:
        """About how many tasks have no slot yet; for any thread."""

    def take(self, jobs: list[Job]) -> None:
        """Work on these."""

    async def withdraw(self, partitions: Collection[int] | None, timeout_s: float) -> None:
        """Hand back what waits, of these partitions or of all; finish the calls under way."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """At most so many unfinished tasks, so many a fetch, so long (s) to finish at the end."""

    queue_size: int
    max_poll_records: int
    drain_s: float


@dataclass(frozen=True, slots=True)
class Route:
    """From which topic to which."""

    tasks: str
    results: str


class Intake(threading.Thread):
    """Reads tasks until `stop`; `error` says why it ended otherwise."""

    def __init__(
        self,
        consumer: Consumer,
        producer: CheckedProducer,
        route: Route,
        bounds: Bounds,
        metrics: Metrics,
    ) -> None:
        super().__init__(name="intake", daemon=True)
        self.error: Exception | None = None
        self.ended = asyncio.Event()
        self.joined: Callable[[], None] = lambda: None
        """Called in this thread whenever partitions are given to it."""
        self._consumer = consumer
        self._producer = producer
        self._route = route
        self._bounds = bounds
        self._metrics = metrics
        self._tracker = OffsetTracker()
        self._stopping = threading.Event()
        self._flow = Flow(consumer)
        self._committed_at = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._desk: Desk | None = None

    def begin(self, desk: Desk) -> None:
        """Start reading for this desk, whose event loop is the running one."""
        self._loop, self._desk = asyncio.get_running_loop(), desk
        self.start()

    def stop(self) -> None:
        """Read no more, finish what is at the provider, commit, end."""
        self._stopping.set()

    def publish(self, job: Job, encoded: bytes) -> None:
        """Queue a result; its task is done when the broker has it. For any thread.

        A result that cannot be queued ends the intake: the task is delivered again later,
        and its remembered result published.
        """
        try:
            self._producer.produce(
                self._route.results,
                value=encoded,
                key=job.task.camera_id,
                headers=[*HEADERS, (HEADER, next_traceparent(job.traceparent))],
                on_delivery=partial(self._delivered, job.partition, job.offset),
            )
        except (BufferError, KafkaException) as exc:
            self.error = KafkaUnreachable(
                f"{self._route.results} takes no more results: {exc} (kafka.bootstrap_servers)"
            )

    def run(self) -> None:
        """The thread. Whatever ends it is in `error`, and `ended` is set."""
        try:
            self._consumer.subscribe(
                [self._route.tasks], on_assign=self._on_assign, on_revoke=self._on_revoke,
                on_lost=self._on_lost,
            )  # fmt: skip
            while not self._stopping.is_set():
                self._step()
            self._hand_back(None, self._bounds.drain_s)
        except Exception as exc:
            self.error = exc
            if not isinstance(exc, TrafficmonError):  # which is told in one line
                log.exception("intake ends", extra={"topic": self._route.tasks})
            self._withdraw(None, 0.0)
        finally:
            with suppress(KafkaRefused):  # told already
                self._consumer.close()
            self._tell(self.ended.set)

    def _step(self) -> None:
        self._keep_within_bounds()
        record = self._consumer.poll(_POLL_S)
        if record is not None:
            if self._desk is not None and self._desk.waiting >= _PLENTY:
                self._stopping.wait(_GATHER_S)
            self._accept([record, *self._more()])
        self._producer.poll(0)
        if self.error is not None:
            raise self.error
        now = time.monotonic()
        if now - self._committed_at >= _COMMIT_EVERY_S:
            self._committed_at = now
            self._commit()

    def _more(self) -> list[Message]:
        """What is already fetched, as far as there is room."""
        room = self._bounds.queue_size - self._tracker.in_flight - 1
        wanted = min(room, self._bounds.max_poll_records - 1)
        return self._consumer.consume(num_messages=wanted, timeout=0) if wanted > 0 else []

    def _keep_within_bounds(self) -> None:
        """Pause every partition at the limit, go on at nine tenths of it."""
        held, limit = self._tracker.in_flight, self._bounds.queue_size
        if held >= limit:
            self._flow.pause()
        elif held <= limit * 0.9:
            self._flow.resume()

    def _accept(self, records: list[Message]) -> None:
        jobs = []
        for record in records:
            error = record.error()
            partition, offset = record.partition() or 0, record.offset() or 0
            if error is not None and error.code() == _PARTITION_EOF:
                self._tracker.reached(partition, offset)
                continue
            if error is not None:
                self._on_consume_error(error)
                continue
            self._tracker.started(partition, offset)
            try:
                task = decode(record.value() or b"", AssessmentTask)
            except BadMessage as exc:
                self._set_aside(record, exc)
            else:
                parent = dict(record.headers() or ()).get(HEADER)
                jobs.append(Job(task, partition, offset, parent))
        if jobs and self._desk is not None:
            self._tell(self._desk.take, jobs)

    def _set_aside(self, record: Message, reason: BadMessage) -> None:
        topic, partition, offset = self._route.tasks, record.partition() or 0, record.offset() or 0
        log.warning(
            "no task: %s", reason, extra={"topic": topic, "partition": partition, "offset": offset}
        )
        why = headers(
            error=reason,
            topic=topic,
            partition=partition,
            offset=offset,
            stage=STAGE,
            failed_at=datetime.now(UTC),
        )
        self._metrics.dead_letters.labels(topic, STAGE).inc()
        self._producer.produce(
            dlq_topic(topic),
            value=record.value(),
            key=record.key(),
            headers=[*(record.headers() or []), *why],
            on_delivery=partial(self._delivered, partition, offset),
        )

    def _delivered(
        self, partition: int, offset: int, error: KafkaError | None, message: Message
    ) -> None:
        """Called by the producer's `poll` and `flush`, so in this thread."""
        if error is None:
            self._tracker.done(partition, offset)
        else:
            # Ending is enough: the task is delivered again, and its remembered result published.
            self._producer.undelivered(message.topic() or "", error)
            self.error = KafkaUnreachable(
                f"{message.topic()} did not take a result: {error.str()} (kafka.bootstrap_servers)"
            )

    def _commit(self) -> None:
        offsets = self._tracker.committable()
        if not offsets:
            return
        topic = self._route.tasks
        try:
            self._consumer.commit(
                offsets=[TopicPartition(topic, p, o) for p, o in offsets.items()],
                asynchronous=False,
            )
        except KafkaException as exc:
            log.warning("offsets not committed, will try again: %s", exc, extra={"topic": topic})
        else:
            self._tracker.committed(offsets)

    def _on_consume_error(self, error: KafkaError) -> None:
        if is_fatal(error):
            raise KafkaUnreachable(
                f"{error.str()}; does another process run with the same --instance-id?"
            )
        log.warning("kafka: %s", error.str(), extra={"topic": self._route.tasks})

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        log.info("partitions gained", extra={"partitions": [p.partition for p in partitions]})
        consumer.incremental_assign(partitions)
        self._flow.assigned(partitions)
        self.joined()

    def _on_revoke(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        numbers = [p.partition for p in partitions]
        log.info("partitions given back", extra={"partitions": numbers})
        if not self._stopping.is_set():
            self._hand_back(numbers, _HANDOVER_S)
        self._tracker.revoked(numbers)

    def _on_lost(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        numbers = [p.partition for p in partitions]
        log.warning("partitions lost", extra={"partitions": numbers})
        self._withdraw(numbers, 0.0)
        self._tracker.revoked(numbers)

    def _hand_back(self, partitions: Collection[int] | None, timeout_s: float) -> None:
        """Finish the calls under way, confirm their results, commit: no call is made twice."""
        self._withdraw(partitions, timeout_s)
        self._producer.flush(_FLUSH_S)
        self._commit()

    def _withdraw(self, partitions: Collection[int] | None, timeout_s: float) -> None:
        if self._loop is None or self._desk is None or self._loop.is_closed():
            return
        withdrawn = asyncio.run_coroutine_threadsafe(
            self._desk.withdraw(partitions, timeout_s), self._loop
        )
        withdrawn.result(timeout_s + _FLUSH_S)

    def _tell(self, callback: Any, *args: Any) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(callback, *args)
