"""The task daemon: detection-results to assessment-tasks, exactly once.

Every batch is one Kafka transaction of its tasks, its notices of skipped groups, its dead
letters and its offsets. A batch is what has arrived: one message when little comes, thousands
under load.
"""

import gc
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import islice

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from streaming.errors import KafkaUnreachable
from streaming.kafka import dead_letters
from streaming.kafka.admin import wait_for_broker
from streaming.kafka.clients import consumer as new_consumer
from streaming.kafka.clients import group_id, is_fatal
from streaming.kafka.clients import producer as new_producer
from streaming.kafka.refusals import Right
from streaming.lifecycle import stop_on_signals
from streaming.metrics import Metrics
from streaming.readiness import GROUP_SEAT, Readiness
from streaming.settings import Settings
from streaming.tasks.batch import Batch, Outgoing, next_offsets, plan_batch
from streaming.tasks.policy import policy_of
from streaming.tasks.recall import States, mark, recall, starts
from streaming.tasks.transaction import Aborted, Transactions

log = logging.getLogger(__name__)

GROUP = "tasks"
_METRICS_PORT = 1
_MOST = 10_000
_AT_ONCE = 250
"""Planned and handed to librdkafka together: it sends these while the next are planned, and
their bytes are still in the processor's cache."""
_POLL_S = 0.25
_BATCH_BYTES, _LINGER_MS = 262_144, 50
"""To the broker a request of a partition's 500 tasks costs little more than one of 30: with the
settings' 32 kB it took twice the processor time."""
_RETRY_BACKOFF_MS = 1
"""While the broker still ends the last transaction it refuses the next one's offsets, to be asked
again: after librdkafka's 100 ms, this was most of the latency under load."""
_QUEUE_FULL_WAIT_S = 10.0
_COMMITTED_TIMEOUT_S = 30.0
_METADATA_EVERY_MS = 10_000
_TIDY_EVERY_S = 60.0
_SILENT_S = 300.0
"""A camera that sent nothing for so long is forgotten."""


def run(settings: Settings, instance_id: str) -> None:
    """Plan tasks until SIGTERM or SIGINT; a batch that was begun is finished first.

    Raises:
        KafkaUnreachable: no broker, or another process has this instance id.
    """
    stop = stop_on_signals()
    metrics = Metrics()
    readiness = Readiness.of(settings, GROUP, instance_id, GROUP_SEAT)
    metrics.serve(
        settings.serving.metrics.host, settings.serving.metrics.port + _METRICS_PORT, readiness
    )
    wait_for_broker(settings.kafka)
    worker = TaskWorker(settings, instance_id, metrics)
    worker.open(lambda: readiness.reached(GROUP_SEAT))
    # A batch makes no cycles: under load the collector was a third of the work. What errors
    # leave behind is collected once a minute.
    gc.freeze()
    gc.disable()
    try:
        while not stop.is_set():
            worker.step()
    finally:
        worker.close()


class TaskWorker:
    """One consumer and one transactional producer; `step` handles what has arrived."""

    def __init__(self, settings: Settings, instance_id: str, metrics: Metrics) -> None:
        kafka = self._kafka = settings.kafka
        self._source = kafka.topics.detection_results.name
        self._target = kafka.topics.assessment_tasks.name
        self._notices = kafka.topics.skipped_groups.name
        self._metrics = metrics
        self._policy = policy_of(settings)
        transactional_id = f"{kafka.consumer.group_id_prefix}-{GROUP}-{instance_id}"
        self._producer: Producer = new_producer(
            kafka,
            client_id=f"{GROUP}-{instance_id}",
            transactional_id=transactional_id,
            rights=(
                Right("READ", "group", group_id(kafka, GROUP)),
                *(Right("WRITE", "topic", name) for name in self._topics_written()),
            ),
            # What is left at the end of a batch goes at once: committing flushes.
            batch_size=max(kafka.producer.batch_size, _BATCH_BYTES),
            linger_ms=max(kafka.producer.linger_ms, _LINGER_MS),
            retry_backoff_ms=_RETRY_BACKOFF_MS,
        )
        self._consumer: Consumer = new_consumer(
            kafka,
            group=GROUP,
            instance_id=instance_id,
            # New partitions are looked for as often; a camera may be on one of them.
            topic_metadata_refresh_interval_ms=_METADATA_EVERY_MS,
        )
        self._transactions = Transactions(self._producer, transactional_id)
        self._given_up: set[int] = set()
        self._states: States = {}
        self._unplanned_from: dict[int, int] = {}
        self._next_tidy_s = 0.0

    def _topics_written(self) -> tuple[str, ...]:
        return self._target, self._notices, dead_letters.dlq_topic(self._source)

    def open(self, on_joined: Callable[[], None] = lambda: None) -> None:
        """Undo what a killed predecessor left open, then join the group."""
        self._transactions.prepare(self._kafka.connect_timeout_s)
        self._consumer.subscribe(
            [self._source],
            on_assign=lambda _consumer, _partitions: on_joined(),
            on_revoke=self._taken,
            on_lost=self._taken,
        )

    def close(self) -> None:
        """Leave; as a static member this causes no rebalance before the session runs out."""
        self._consumer.close()

    def step(self) -> int:
        """One batch, if anything comes within a quarter of a second; how many messages it had."""
        self._tidy()
        records = self._arrived()
        if not records:
            return 0
        self._recall(records)
        work = _Work(datetime.now(UTC))
        try:
            self._transactions.run(lambda: self._write(records, work), self._consumer)
        except Aborted:
            self._rewind(records)
            return 0
        for partition, states in work.states.items():
            self._states[partition].update(states)
        self._count(work)
        return len(records)

    def _arrived(self) -> list[Message]:
        """Wait for one message, then take what else is here already."""
        self._given_up.clear()
        try:
            found = self._consumer.consume(1, _POLL_S)
            if found:
                found += self._consumer.consume(_MOST - 1, 0.0)
        except KafkaException as exc:
            raise self._unreadable(exc.args[0]) from exc
        return [record for record in found if self._usable(record)]

    def _usable(self, record: Message) -> bool:
        error = record.error()
        if error is None:
            # A partition that went to another worker while this batch was gathered is its
            # business now: our offsets would be accepted, and its tasks made twice.
            return record.partition() not in self._given_up
        if is_fatal(error):
            raise self._unreadable(error)
        log.warning("%s: %s", self._source, error.str())
        return False

    def _unreadable(self, error: KafkaError) -> KafkaUnreachable:
        return KafkaUnreachable(
            f"{self._source} cannot be read: {error.str()} (kafka.bootstrap_servers; each "
            "worker needs an --instance-id of its own)"
        )

    def _taken(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        for place in partitions:
            self._given_up.add(place.partition)
            self._states.pop(place.partition, None)
            self._unplanned_from.pop(place.partition, None)

    def _recall(self, records: Sequence[Message]) -> None:
        """What was sent from partitions that are new here, before more of them is planned."""
        first_ms: dict[int, int] = {}
        for record in records:
            partition = record.partition() or 0
            if partition not in self._states:
                first_ms.setdefault(partition, record.timestamp()[1])
        if not first_ms:
            return
        ours = {place.partition for place in self._consumer.assignment()} - self._states.keys()
        wanted = [TopicPartition(self._source, p) for p in sorted(ours | first_ms.keys())]
        try:
            places = self._consumer.committed(wanted, _COMMITTED_TIMEOUT_S)
        except KafkaException as exc:
            raise self._unreadable(exc.args[0]) from exc
        begun = starts(self._kafka, places, first_ms)
        recalled = recall(self._kafka, begun, self._policy.gate)
        self._states |= recalled.states
        self._unplanned_from |= recalled.unplanned_from

    def _is_planned(self, record: Message) -> bool:
        return (record.offset() or 0) < self._unplanned_from.get(record.partition() or 0, 0)

    def _write(self, records: Sequence[Message], work: "_Work") -> list[TopicPartition]:
        """Plan and queue everything; the offsets to commit with it."""
        rest = iter(records)
        if self._unplanned_from:
            rest = iter([record for record in records if not self._is_planned(record)])
        while portion := list(islice(rest, _AT_ONCE)):
            batch = plan_batch(portion, self._policy, work.now, self._states, work.states)
            for task in batch.tasks:
                self._send(self._target, task, work.now_ms)
            for notice in batch.notices:
                self._send(self._notices, notice, work.now_ms)
            self._set_aside(batch, work.now)
            work.tasks += len(batch.tasks)
            work.dead += len(batch.dead)
            work.skipped.update(batch.skipped)
        return [
            TopicPartition(self._source, p, offset, self._mark(p, work))
            for p, offset in next_offsets(records).items()
        ]

    def _mark(self, partition: int, work: "_Work") -> str:
        return mark(self._states[partition] | work.states.get(partition, {}))

    def _send(self, topic: str, message: Outgoing, now_ms: int) -> None:
        key, value, headers = message
        try:
            self._producer.produce(topic, value, key, headers=headers, timestamp=now_ms)
        except BufferError:
            self._producer.flush(_QUEUE_FULL_WAIT_S)
            self._producer.produce(topic, value, key, headers=headers, timestamp=now_ms)

    def _set_aside(self, batch: Batch, now: datetime) -> None:
        for record, error in batch.dead:
            log.warning(
                "message set aside: %s",
                error,
                extra={"partition": record.partition(), "offset": record.offset()},
            )
            dead_letters.send(self._producer, record, stage=GROUP, error=error, now=now)

    def _count(self, work: "_Work") -> None:
        self._metrics.tasks.inc(work.tasks)
        for reason, times in work.skipped.items():
            self._metrics.groups_skipped.labels(reason=reason).inc(times)
        if work.dead:
            self._metrics.dead_letters.labels(topic=self._source, stage=GROUP).inc(work.dead)

    def _tidy(self) -> None:
        """Once a minute: forget cameras that are gone, collect what errors left."""
        if time.monotonic() < self._next_tidy_s:
            return
        self._next_tidy_s = time.monotonic() + _TIDY_EVERY_S
        since_s = time.time() - _SILENT_S
        for states in self._states.values():
            for camera_id in [c for c, s in states.items() if not s or s[-1].created_s < since_s]:
                del states[camera_id]
        gc.collect()

    def _rewind(self, records: list[Message]) -> None:
        """Read the batch again, as far as its partitions are still ours."""
        ours = {tp.partition for tp in self._consumer.assignment()}
        first: dict[int, int] = {}
        for record in records:
            partition, offset = record.partition() or 0, record.offset() or 0
            first[partition] = min(first.get(partition, offset), offset)
        try:
            for partition, offset in first.items():
                if partition in ours:
                    self._consumer.seek(TopicPartition(self._source, partition, offset))
        except KafkaException as exc:
            raise self._unreadable(exc.args[0]) from exc


class _Work:
    """What one transaction does, until it is known to be committed."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.now_ms = int(now.timestamp() * 1000)
        self.states: States = {}
        self.tasks = 0
        self.dead = 0
        self.skipped: Counter[str] = Counter()
